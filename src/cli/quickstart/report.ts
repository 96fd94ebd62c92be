/** What the quickstart leaves: a table, a line of JSON, a picture. */
import type { QuickstartOutcome } from './flow.js';

type Summary = QuickstartOutcome['summary'];
type Row = Summary[number];

const find = (summary: Summary, subject: Row['subject'], labelKind: Row['labelKind']): Row | undefined =>
  summary.find((row) => row.subject === subject && row.labelKind === labelKind);

/** One seed has no deviation, which is not one of 0. */
const cell = (row: Row | undefined): string => {
  if (row === undefined) return '-';
  const { mean, deviation } = row.top1Last;
  return deviation === null ? mean.toFixed(2) : `${mean.toFixed(2)} ± ${deviation.toFixed(2)}`;
};

/** Top-1 on the test split, percent: mean and deviation over seeds, of the last reading. */
export function table(summary: Summary): string {
  const rows = [
    ['', 'soft labels', 'hard labels'],
    ['teddy', cell(find(summary, 'DISTILLED_SET', 'SOFT')), cell(find(summary, 'DISTILLED_SET', 'HARD'))],
    ['random real', cell(find(summary, 'RANDOM_REAL', 'SOFT')), cell(find(summary, 'RANDOM_REAL', 'HARD'))],
  ];
  return rows.map((row) => `  ${row[0]?.padEnd(12)} ${row[1]?.padStart(16)} ${row[2]?.padStart(16)}`).join('\n');
}

export interface QuickstartResult {
  distilledSetId: string;
  imagesPerClass: number;
  student: { architecture: string; top1: number | null; top1Hard: number | null };
  randomReal: { top1: number | null; top1Hard: number | null };
  seconds: QuickstartOutcome['seconds'] & { total: number };
}

export function result(
  outcome: QuickstartOutcome,
  facts: { imagesPerClass: number; architecture: string; totalSeconds: number },
): QuickstartResult {
  const top1 = (subject: Row['subject'], labelKind: Row['labelKind']) =>
    round(find(outcome.summary, subject, labelKind)?.top1Last.mean ?? null);
  const seconds = Object.fromEntries(Object.entries(outcome.seconds).map(([name, value]) => [name, round(value)]));
  return {
    distilledSetId: outcome.distilledSetId,
    imagesPerClass: facts.imagesPerClass,
    student: {
      architecture: facts.architecture,
      top1: top1('DISTILLED_SET', 'SOFT'),
      top1Hard: top1('DISTILLED_SET', 'HARD'),
    },
    randomReal: { top1: top1('RANDOM_REAL', 'SOFT'), top1Hard: top1('RANDOM_REAL', 'HARD') },
    seconds: { ...(seconds as QuickstartOutcome['seconds']), total: round(facts.totalSeconds) },
  };
}

const round = <T extends number | null>(value: T): T => (value === null ? value : Math.round(value * 100) / 100) as T;
