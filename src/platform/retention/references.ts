/** Which objects the database names: none of them is garbage. */
import type { Transaction } from '../database/client.js';
import { getIntact, type ObjectStore, refByKey } from '../object-store/object-store.js';

interface Named {
  key: string;
}

/**
 * Every key in a column of its own, and every text inside the JSON of tasks and sources: payloads carry references. What a
 * dataset was made of, an uploaded archive say, is needed until it is made: one that failed may be imported otherwise.
 */
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
      SELECT payload AS document FROM "Task" WHERE kind <> 'DATASET_IMPORT' OR state <> 'SUCCEEDED'
      UNION ALL SELECT result FROM "Task" WHERE result IS NOT NULL
      UNION ALL SELECT source FROM "Dataset" WHERE state <> 'READY'
    )
    SELECT DISTINCT leaf #>> '{}' AS key
    FROM documents, jsonb_path_query(document, 'strict $.**') AS leaf
    WHERE jsonb_typeof(leaf) = 'string' AND leaf #>> '{}' LIKE '%/%'`;
  return new Set([...(await columns), ...(await documents)].map(({ key }) => key));
}

/**
 * Files of labels that a task has made are named in its checkpoint alone, until it ends or a retry goes on from there. While
 * one is read its task may put another in its place: rows are looked at until they name none that was not read. One that is gone
 * or damaged names nothing, as nobody goes on from it.
 */
export async function keysInCheckpoints(database: Transaction, store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  const read = new Set<string>();
  for (;;) {
    const tasks = await database.task.findMany({
      where: { kind: 'LABELING', checkpointKey: { not: null } },
      select: { checkpointKey: true },
    });
    const unread = tasks.flatMap(({ checkpointKey: key }) => (key === null || read.has(key) ? [] : [key]));
    if (unread.length === 0) return keys;
    for (const checkpoint of unread) {
      read.add(checkpoint);
      const bytes = await getIntact(store, refByKey(checkpoint));
      JSON.parse(bytes?.toString() ?? '{}', (name, value) => {
        if (name === 'key') keys.push(value);
        return value;
      });
    }
  }
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
