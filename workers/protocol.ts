/** What a supervisor and its compute child say to each other, by structured clone. */
import type { ZodError } from 'zod';
import type { Failure } from '../src/domain/errors.js';
import type { JobKind } from '../src/domain/jobs/contracts.js';
import type { ObjectStoreConfig } from '../src/platform/config/env.js';

/** What a child works with on this machine. */
export interface Workplace {
  store: ObjectStoreConfig;
  /** A folder on disk for what does not fit into memory. */
  scratch: string;
  /** Null where the store is as near as a cache would be. */
  shardCache: { folder: string; maxBytes: number } | null;
}

/** What the child computes: all it needs to know. */
export interface Assignment {
  kind: JobKind;
  taskId: string;
  payload: unknown;
  workplace: Workplace;
  /** Key of the object to go on from. */
  checkpointKey: string | null;
}

export type ToChild =
  | { type: 'RUN'; assignment: Assignment }
  /** Tell what you compute on, and exit. */
  | { type: 'PROBE' }
  /** The checkpoint is recorded, or could not be: go on. */
  | { type: 'CHECKPOINT_ANSWERED' }
  /** The worker stops: make a checkpoint as soon as you can. */
  | { type: 'DRAIN' };

export interface Device {
  device: string;
  tensorflowVersion: string;
  memoryBytes: bigint | null;
}

export type FromChild =
  | { type: 'DEVICE'; device: Device }
  | { type: 'PROGRESS'; step: number; totalSteps: number; loss: number | null }
  | { type: 'METRIC'; name: string; step: number; value: number }
  /** The object is stored; the child waits until it is recorded. */
  | { type: 'CHECKPOINT'; key: string; step: number }
  | { type: 'RESULT'; result: unknown }
  /** The payload breaks its contract: what wrote it is of another version. `what` says where. */
  | { type: 'UNREADABLE'; what: string }
  /** `detail` is for the log alone. */
  | { type: 'FAILURE'; failure: Failure; detail: string };

/** What is of another version, for one line. */
export function unreadable(kind: JobKind, { issues: [issue] }: ZodError): string {
  return `${[kind, ...(issue?.path ?? [])].join('.')}: ${issue?.message}`;
}
