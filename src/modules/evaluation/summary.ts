/** Means and spreads over seeds, in percent and percentage points. */
import { groupBy } from '../kit/group.js';
import type {
  Difference,
  EvaluationComparison,
  EvaluationResult,
  EvaluationSummary,
  Ranking,
  Spread,
} from './evaluation.type.js';

const METRICS = ['top1Last', 'top1Best', 'top5Last', 'top5Best'] as const;
type Metric = (typeof METRICS)[number];

interface Group {
  subject: EvaluationResult['subject'];
  labelKind: EvaluationResult['labelKind'];
  results: EvaluationResult[];
}

/** Per subject and kind of label, in the order in which they first appear. */
export const summarize = (results: readonly EvaluationResult[]): EvaluationSummary[] =>
  groupsOf(results).map(({ subject, labelKind, results: group }) => ({
    subject,
    labelKind,
    seeds: group.length,
    ...perMetric((metric) => spreadOf(group.map((result) => result[metric]))),
  }));

/** The set against every baseline, per kind of label, over the seeds that both have: one may be ahead, or all that was done. */
export function compare(results: readonly EvaluationResult[]): EvaluationComparison[] {
  const groups = groupsOf(results);
  return groups.flatMap(({ subject: baseline, labelKind, results: theirs }) => {
    const ours = groups.find((group) => group.subject === 'DISTILLED_SET' && group.labelKind === labelKind)?.results;
    if (baseline === 'DISTILLED_SET' || ours === undefined) return [];
    const both = inCommon(ours, theirs);
    if (both === null) return [];
    const difference = (metric: Metric) =>
      differenceOf(
        both.ours.map((result) => result[metric]),
        both.theirs.map((result) => result[metric]),
      );
    return [{ baseline, labelKind, ...perMetric(difference) }];
  });
}

/**
 * DD-Ranking's measures (Li et al., 2025), from means of the last readings as fractions: HLR = Acc(all real images, hard) -
 * Acc(set, hard); IOR = Acc(set, soft) - Acc(random real images, soft); and with a = (IOR - HLR) / 2,
 * LRS = (e^a - e^-1) / (e - e^-1). ARS is the same of b = (IOR + Acc(set, plain) - Acc(random real images, plain)) / 2, where
 * plain is soft labels under no augmentation. DD-Ranking's student on all real images is trained to its end, and ours by the
 * recipe, so that HLR comes out smaller and LRS larger. Each difference is over the seeds that both sides have; what was not
 * measured is null.
 */
export function rank(results: readonly EvaluationResult[]): Ranking {
  const over = (baseline: EvaluationResult['subject'], kind: EvaluationResult['labelKind']) => {
    const of = (subject: EvaluationResult['subject']) =>
      results.filter((result) => result.subject === subject && result.labelKind === kind);
    const both = inCommon(of('DISTILLED_SET'), of(baseline));
    const mean = (group: readonly EvaluationResult[]) => spreadOf(group.map(({ top1Last }) => top1Last / 100)).mean;
    return both === null ? null : mean(both.ours) - mean(both.theirs);
  };
  const full = over('FULL_REAL', 'HARD');
  const hlr = full === null ? null : -full;
  const ior = over('RANDOM_REAL', 'SOFT');
  const plain = over('RANDOM_REAL', 'SOFT_PLAIN');
  const score = (x: number | null) => (x === null ? null : (Math.exp(x) - Math.exp(-1)) / (Math.E - Math.exp(-1)));
  const half = (a: number | null, b: number | null) => (a === null || b === null ? null : (a + b) / 2);
  return { hlr, ior, lrs: score(half(ior, full)), ars: score(half(ior, plain)) };
}

/** Sample standard deviation, with n - 1. */
export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return { mean, deviation: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (values.length - 1)) };
}

/** Welch's standard error: sqrt(s1^2 / n1 + s2^2 / n2). Seeds draw other images for the baseline, so pairs mean nothing. */
export function differenceOf(ours: readonly number[], theirs: readonly number[]): Difference {
  const [a, b] = [spreadOf(ours), spreadOf(theirs)];
  const mean = a.mean - b.mean;
  if (a.deviation === null || b.deviation === null) return { mean, standardError: null };
  return { mean, standardError: Math.sqrt(a.deviation ** 2 / ours.length + b.deviation ** 2 / theirs.length) };
}

/** Of the seeds that both have results of; null where there are none. */
function inCommon(ours: readonly EvaluationResult[], theirs: readonly EvaluationResult[]) {
  const have = (group: readonly EvaluationResult[], seed: number) => group.some((result) => result.seed === seed);
  const common = ours.filter(({ seed }) => have(theirs, seed));
  return common.length === 0 ? null : { ours: common, theirs: theirs.filter(({ seed }) => have(ours, seed)) };
}

const groupsOf = (results: readonly EvaluationResult[]): Group[] =>
  [...groupBy(results, ({ subject, labelKind }) => `${subject} ${labelKind}`).values()].map((group) => ({
    subject: group[0]!.subject,
    labelKind: group[0]!.labelKind,
    results: group,
  }));

const perMetric = <T>(value: (metric: Metric) => T): Record<Metric, T> => ({
  top1Last: value('top1Last'),
  top1Best: value('top1Best'),
  top5Last: value('top5Last'),
  top5Best: value('top5Best'),
});
