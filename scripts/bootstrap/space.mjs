/** Whether the disk has room for what is missing, asked before the first step begins. */
import { mkdirSync, statfsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { SetupFailure } from './failure.mjs';

/** What the steps before will take of each file system, in megabytes. */
const promised = new Map();

/** Throws unless the file system of `folder` has `megabytes` left beside what was asked of it before. */
export function requireSpace(folder, megabytes) {
  mkdirSync(folder, { recursive: true });
  const { dev } = statSync(folder);
  const needed = (promised.get(dev) ?? 0) + megabytes;
  const { bavail, bsize } = statfsSync(folder);
  const free = Math.floor((bavail * bsize) / 1e6);
  if (free < needed) {
    throw new SetupFailure(
      `The disk is full: set-up needs ${needed} MB on the disk of ${resolve(folder)}, which has ${free} MB: free some, or set TEDDYHUB_CACHE to a folder on another.`,
    );
  }
  promised.set(dev, needed);
}
