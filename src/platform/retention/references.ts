/** Which objects the database names: none of them is garbage. */
import type { Transaction } from '../database/client.js';

interface Named {
  key: string;
}

/** Every key in a column of its own, and every text inside the JSON of tasks and sources: payloads carry references. */
export async function referencedKeys(database: Transaction): Promise<Set<string>> {
  const columns = database.$queryRaw<Named[]>`
    SELECT "objectKey" AS key FROM "DatasetShard"
    UNION SELECT "objectKey" FROM "DistilledShard"
    UNION SELECT "objectKey" FROM "LabelFile"
    UNION SELECT "manifestKey" FROM "DistilledSet"
    UNION SELECT "checkpointKey" FROM "Teacher"
    UNION SELECT "objectKey" FROM "TeacherStatistics"
    UNION SELECT "checkpointKey" FROM "Task" WHERE "checkpointKey" IS NOT NULL`;
  const documents = database.$queryRaw<Named[]>`
    WITH documents AS (
      SELECT payload AS document FROM "Task"
      UNION ALL SELECT result FROM "Task" WHERE result IS NOT NULL
      UNION ALL SELECT source FROM "Dataset"
    )
    SELECT DISTINCT leaf #>> '{}' AS key
    FROM documents, jsonb_path_query(document, 'strict $.**') AS leaf
    WHERE jsonb_typeof(leaf) = 'string' AND leaf #>> '{}' LIKE '%/%'`;
  return new Set([...(await columns), ...(await documents)].map(({ key }) => key));
}

/**
 * When the oldest task that is not finished was made; null where all are. What it has written, in whichever attempt, is
 * named by no row before its end.
 */
export async function oldestUnfinished(database: Transaction): Promise<Date | null> {
  const task = await database.task.findFirst({
    where: { state: { in: ['QUEUED', 'RUNNING'] } },
    orderBy: { createdAt: 'asc' },
    select: { createdAt: true },
  });
  return task?.createdAt ?? null;
}
