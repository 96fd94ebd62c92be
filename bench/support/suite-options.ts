/** What decides the accuracy of a student of a suite. */
import { synthesisConfig } from '../../src/domain/config/run.js';
import { digestOf } from './digest.js';
import type { Method, Row, Suite } from './suites.js';

/** What a method synthesizes with, by a share of its steps; undefined for the methods that only choose real images. */
export function synthesisOf({ sre2l }: Pick<Suite, 'sre2l'>, row: Row, method: Method, share = 1) {
  if (method === 'RANDOM_REAL' || method === 'REAL_CROPS') return undefined;
  const config = method === 'SRE2L' ? synthesisConfig.parse({ ...row.teddy, ...sre2l }) : row.teddy;
  return synthesisConfig.parse({ ...config, steps: Math.max(1, Math.round(share * config.steps)) });
}

/** Of all that decides what a method's student of a row reaches. */
export function optionsDigest(suite: Suite, row: Row, method: Method): string {
  const { imagesPerClass, labels, recipe } = row;
  return digestOf([suite.pool, method, imagesPerClass, synthesisOf(suite, row, method), labels, recipe]).slice(0, 12);
}
