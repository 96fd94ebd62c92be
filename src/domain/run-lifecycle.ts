/** The life of a distillation run: the table of allowed moves is the only place that knows them. */

export const RUN_STATES = [
  'QUEUED',
  'PREPARING',
  'SYNTHESIZING',
  'LABELING',
  'PUBLISHING',
  'SUCCEEDED',
  'CANCELING',
  'CANCELED',
  'FAILED',
] as const;

export type RunState = (typeof RUN_STATES)[number];

const MOVES: Record<RunState, readonly RunState[]> = {
  /** A run whose statistics are all known has nothing to prepare; a retry goes on where the failed run stood. */
  QUEUED: ['PREPARING', 'SYNTHESIZING', 'LABELING', 'PUBLISHING', 'CANCELING', 'FAILED'],
  PREPARING: ['SYNTHESIZING', 'CANCELING', 'FAILED'],
  SYNTHESIZING: ['LABELING', 'CANCELING', 'FAILED'],
  LABELING: ['PUBLISHING', 'CANCELING', 'FAILED'],
  PUBLISHING: ['SUCCEEDED', 'CANCELING', 'FAILED'],
  CANCELING: ['CANCELED'],
  SUCCEEDED: [],
  CANCELED: [],
  FAILED: [],
};

export const canMove = (from: RunState, to: RunState): boolean => MOVES[from].includes(to);

export const isTerminal = (state: RunState): boolean => MOVES[state].length === 0;
