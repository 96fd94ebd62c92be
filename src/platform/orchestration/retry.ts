/** How a run goes on where another one, which failed or was canceled, has stopped. */
import type { Database } from '../database/client.js';
import { appendRunEvent } from './run-log.js';
import { enqueueFirstStage } from './stages.js';
import type { Work } from './work.js';

/**
 * Begins a QUEUED run with the configuration and seed of `fromRunId`, a run that has ended. All of its tasks are taken over: those that
 * succeeded with their results (statistics unless they turned out to be lost), unfinished ones with their checkpoints, held until their stage
 * begins. A checkpoint changes hands, for whoever goes on from it deletes it: a second retry begins those tasks anew.
 */
export async function continueRun(work: Work, fromRunId: string, runId: string): Promise<void> {
  const { tx } = work;
  await appendRunEvent(tx, runId, { type: 'STATE_CHANGED', from: null, to: 'QUEUED', failure: null });
  await tx.$executeRaw`
    INSERT INTO "Task" (id, "projectId", kind, state, index, "runId", payload, result, step, "totalSteps",
      "progressAt", "startedAt", "finishedAt")
    SELECT gen_random_uuid(), "projectId", kind, state, index, ${runId}::uuid, payload, result, step, "totalSteps",
      "progressAt", "startedAt", "finishedAt"
    FROM "Task" WHERE "runId" = ${fromRunId}::uuid AND state = 'SUCCEEDED'
      AND (kind <> 'STATISTICS' OR EXISTS (
        SELECT 1 FROM "TeacherStatistics" kept WHERE kept."objectKey" = result->'statistics'->>'key'))`;
  await tx.$executeRaw`
    INSERT INTO "Task" (id, "projectId", kind, state, index, "runId", payload, step, "totalSteps", "checkpointKey",
      "checkpointStep")
    SELECT gen_random_uuid(), "projectId", kind, 'QUEUED', index, ${runId}::uuid, payload, "checkpointStep", "totalSteps",
      "checkpointKey", "checkpointStep"
    FROM "Task" WHERE "runId" = ${fromRunId}::uuid AND state <> 'SUCCEEDED'`;
  await enqueueFirstStage(work, runId);
  await tx.$executeRaw`
    UPDATE "Task" SET "checkpointKey" = NULL, "checkpointStep" = 0
    WHERE "runId" = ${fromRunId}::uuid AND "checkpointKey" IS NOT NULL`;
}

/**
 * Gives a run that was continued the curves of what it took over: of tasks that are done, and of others up to their checkpoints. Apart from
 * `continueRun` and task by task, as a run may have millions of points; to do it again does no harm.
 */
export async function copyCurves(database: Database, fromRunId: string, runId: string): Promise<void> {
  const where = { runId, OR: [{ state: 'SUCCEEDED' as const }, { checkpointStep: { gt: 0 } }] };
  for (const { id } of await database.task.findMany({ where, select: { id: true } })) {
    await database.$executeRaw`
      INSERT INTO "MetricPoint" ("runId", "taskId", name, step, value, "createdAt")
      SELECT task."runId", task.id, point.name, point.step, point.value, point."createdAt"
      FROM "Task" task
      JOIN "Task" old ON old."runId" = ${fromRunId}::uuid AND old.kind = task.kind AND old.index = task.index
      JOIN "MetricPoint" point ON point."runId" = old."runId" AND point."taskId" = old.id
      WHERE task.id = ${id}::uuid AND (task.state = 'SUCCEEDED' OR point.step <= task."checkpointStep")
      ON CONFLICT DO NOTHING`;
  }
}
