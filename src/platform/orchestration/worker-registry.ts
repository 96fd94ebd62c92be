/** The rows that show which workers there are, and the heartbeat by which a worker learns that it lost its task. */
import type { Database } from '../database/client.js';
import type { WorkerState } from '../database/generated/client.js';
import type { Claim } from './claims.js';

export interface WorkerInfo {
  name: string;
  hostname: string;
  pid: number;
  device: string;
  deviceMemoryBytes: bigint | null;
  tensorflowVersion: string;
}

/** Registers a worker process; every start is a worker of its own. */
export async function registerWorker(database: Database, info: WorkerInfo): Promise<string> {
  const { id } = await database.worker.create({ data: info, select: { id: true } });
  return id;
}

/** Writes a sign of life, and tells whether `claim` is still this worker's to write for. */
export async function beat(
  database: Database,
  workerId: string,
  state: WorkerState,
  claim: Claim | null,
): Promise<'HELD' | 'LOST'> {
  // By the database's clock: those who look compare workers of many machines.
  await database.$executeRaw`
    UPDATE "Worker" SET state = ${state}::"WorkerState", "heartbeatAt" = now() WHERE id = ${workerId}::uuid`;
  if (claim === null) return 'HELD';
  const task = await database.task.findUnique({ where: { id: claim.taskId }, select: { fence: true } });
  return task?.fence === claim.fence ? 'HELD' : 'LOST';
}
