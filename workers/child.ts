/**
 * The compute process of one task attempt: it knows its assignment and the object store, and neither the database nor the
 * queue. TensorFlow blocks the event loop for long, so nothing that has to be in time runs here. One attempt, then exit:
 * that bounds memory, whatever leaks.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { toFailure } from '../src/domain/errors.js';
import { JOB_CONTRACTS, type JobKind } from '../src/domain/jobs/contracts.js';
import { withShardCache } from '../src/formats/shard-cache.js';
import { getIntact, type ObjectStore, putByDigest, refByKey } from '../src/platform/object-store/object-store.js';
import { reopenObjectStore } from '../src/platform/object-store/open-object-store.js';
import { explainTensorflow } from './explain-tensorflow.js';
import type { Job, JobContext } from './jobs/job.js';
import { loadAllJobs, loadJob } from './jobs/registry.js';
import { type Assignment, type FromChild, type ToChild, unreadable } from './protocol.js';

let checkpointAnswered: () => void = () => undefined;
let stopping = false;

// A supervisor that is gone, killed perhaps, wants nothing any more. Seen whenever the job breathes.
process.on('disconnect', () => process.exit(1));
process.on('uncaughtException', (error) => void fail(error));
process.on('message', (message: ToChild) => {
  switch (message.type) {
    case 'RUN':
      run(message.assignment).catch(fail);
      break;
    case 'PROBE':
      probe().catch(fail);
      break;
    case 'CHECKPOINT_ANSWERED':
      checkpointAnswered();
      break;
    case 'DRAIN':
      stopping = true;
      break;
  }
});

async function run(assignment: Assignment): Promise<void> {
  const result = await compute(assignment.kind, assignment);
  await finish({ type: 'RESULT', result });
}

/** A worker that could not do every kind of job must not start. */
async function probe(): Promise<void> {
  // Loaded here alone: an import of files needs no TensorFlow.
  const { describeDevice } = await import('./device.js');
  const [device] = await Promise.all([describeDevice(), loadAllJobs()]);
  await finish({ type: 'DEVICE', device });
}

async function compute<K extends JobKind>(kind: K, assignment: Assignment): Promise<unknown> {
  const payload = readPayload(kind, assignment.payload);
  const [job, context] = await Promise.all([loadJob(kind), openContext(assignment)]);
  return job(payload, context);
}

class UnreadablePayload extends Error {}

/** Payloads are parsed before they are stored: one that cannot be read comes from a service of another version. */
function readPayload<K extends JobKind>(kind: K, payload: unknown): Parameters<Job<K>>[0] {
  const parsed = JOB_CONTRACTS[kind].payload.safeParse(payload);
  if (parsed.success) return parsed.data as Parameters<Job<K>>[0];
  // Joined to the payload at the claim, and parsed by nobody before: a fault of ours.
  if (parsed.error.issues[0]?.path[0] === 'dataset') throw parsed.error;
  throw new UnreadablePayload(unreadable(kind, parsed.error));
}

async function openContext({ workplace, taskId, checkpointKey }: Assignment): Promise<JobContext> {
  const { scratch, shardCache } = workplace;
  const remote = await reopenObjectStore(workplace.store);
  const store = shardCache === null ? remote : withShardCache(remote, shardCache);
  return {
    store,
    scratch,
    resumeFrom: checkpointKey === null ? undefined : await readCheckpoint(store, checkpointKey),
    progress: (step, totalSteps, loss) => send({ type: 'PROGRESS', step, totalSteps, loss: loss ?? null }),
    metric: (name, step, value) => send({ type: 'METRIC', name, step, value }),
    async checkpoint(bytes, step) {
      // Below the task's own folder: another task of the same bytes must not lose them when this one is done.
      const { key } = await putByDigest(store, `checkpoints/${taskId}`, bytes, '');
      const answered = new Promise<void>((resolve) => {
        checkpointAnswered = resolve;
      });
      send({ type: 'CHECKPOINT', key, step });
      await answered;
    },
    stopping: () => stopping,
    breathe: () => turn(),
  };
}

/** A checkpoint that was lost or damaged costs time and nothing else: the same bits come out from the beginning. */
const readCheckpoint = (store: ObjectStore, key: string): Promise<Buffer | undefined> =>
  getIntact(store, refByKey(key), (problem) => console.error(`starting afresh: ${problem}`));

function send(message: FromChild, done: () => void = () => undefined): void {
  // Once disconnected, the handler above ends the process at its next turn.
  if (process.connected) process.send?.(message, undefined, undefined, done);
}

/** Says the last word, and exits once it is out. */
async function finish(message: FromChild): Promise<void> {
  await new Promise<void>((resolve) => send(message, resolve));
  process.exit(0);
}

async function fail(error: unknown): Promise<void> {
  if (error instanceof UnreadablePayload) return finish({ type: 'UNREADABLE', what: error.message });
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  await finish({ type: 'FAILURE', failure: toFailure(explainTensorflow(error)), detail });
}
