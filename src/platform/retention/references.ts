/** Which objects the database names: none of them is garbage. */
import { TeddyhubError } from '../../domain/errors.js';
import type { Transaction } from '../database/client.js';
import type { ObjectStore } from '../object-store/object-store.js';

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

/** Files of labels that a task has made are named in its checkpoint alone, until it ends or a retry goes on from there. */
export async function keysInCheckpoints(database: Transaction, store: ObjectStore): Promise<string[]> {
  const tasks = await database.task.findMany({
    where: { kind: 'LABELING', checkpointKey: { not: null } },
    select: { checkpointKey: true },
  });
  const keys: string[] = [];
  for (const { checkpointKey } of tasks) {
    const bytes = await store.get(checkpointKey as string).catch((error: unknown) => {
      // Gone since, with the end of its task.
      if (error instanceof TeddyhubError && error.code === 'OBJECT_MISSING') return Buffer.from('{}');
      throw error;
    });
    JSON.parse(bytes.toString(), (name, value) => {
      if (name === 'key') keys.push(value);
      return value;
    });
  }
  return keys;
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
