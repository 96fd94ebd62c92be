/** What a job is: a function of its payload and the object store, with a context to report to. */
import type { JobKind, JobPayload, JobResult } from '../../src/domain/jobs/contracts.js';
import type { ObjectStore } from '../../src/platform/object-store/object-store.js';

export interface JobContext {
  readonly store: ObjectStore;
  /** A folder on disk for what does not fit into memory; made where it is needed, files in it end with the process. */
  readonly scratch: string;
  /** Bytes of the newest checkpoint of this task, or undefined on a fresh start. */
  readonly resumeFrom: Buffer | undefined;
  /** Tells how far the job is; conflated on the way, so call it at every step. */
  progress(step: number, totalSteps: number, loss?: number): void;
  /** One point of a named curve of a run: those of other tasks are not kept. */
  metric(name: string, step: number, value: number): void;
  /** Stores a checkpoint and waits until it is recorded: a later attempt resumes from here to the same bits. */
  checkpoint(bytes: Uint8Array, step: number): Promise<void>;
  /** True where the worker is about to stop: what is not in a checkpoint within seconds is lost. Any step may ask. */
  stopping(): boolean;
  /** Lets messages in between two steps, as TensorFlow calls block the event loop: call it at every step. */
  breathe(): Promise<void>;
}

export type Job<K extends JobKind> = (payload: JobPayload<K>, context: JobContext) => Promise<JobResult<K>>;
