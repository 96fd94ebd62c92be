/** Runs one job in this process, against a store, and remembers what it reported. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectStore } from '../../src/platform/object-store/object-store.js';
import type { JobContext } from '../../workers/jobs/job.js';

export interface RecordedContext extends JobContext {
  readonly steps: { step: number; totalSteps: number }[];
}

export function recordedContext(store: ObjectStore): RecordedContext {
  const steps: RecordedContext['steps'] = [];
  return {
    store,
    scratch: join(tmpdir(), 'teddyhub-test-scratch'),
    resumeFrom: undefined,
    steps,
    progress: (step, totalSteps) => steps.push({ step, totalSteps }),
    metric: () => {},
    checkpoint: async () => {},
    stopping: () => false,
    breathe: async () => {},
  };
}
