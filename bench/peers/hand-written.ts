/** The page of runs as somebody would write it who needs nothing else: one statement, one JSON endpoint, no GraphQL. */
import { createServer } from 'node:http';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });

const PAGE = `
  SELECT run.id, run.name, run.state, run.labels, run."createdAt", dataset.name AS "datasetName", pool.name AS "poolName",
    progress.fraction, best."labelKind", best.seeds, best.mean, best.deviation
  FROM (
    SELECT * FROM "DistillationRun" WHERE "projectId" = $1 AND "archivedAt" IS NULL
      AND ("createdAt", id) < ($2::timestamptz, $3::uuid)
    ORDER BY "createdAt" DESC, id DESC LIMIT 50
  ) run
  JOIN "Dataset" dataset ON dataset.id = run."datasetId"
  JOIN "TeacherPool" pool ON pool.id = run."poolId"
  LEFT JOIN LATERAL (
    SELECT CASE WHEN run.state = 'SUCCEEDED' THEN 1 ELSE sum(CASE WHEN state = 'SUCCEEDED' THEN 1 WHEN "totalSteps" > 0
      THEN least(1, step::float8 / "totalSteps") ELSE 0 END) / count(*) END AS fraction
    FROM "Task" WHERE "runId" = run.id
  ) progress ON TRUE
  LEFT JOIN LATERAL (
    SELECT result."labelKind", count(*)::int AS seeds, avg(result."top1Last") AS mean, stddev_samp(result."top1Last") AS deviation
    FROM "DistilledSet" made
    JOIN "Evaluation" evaluation ON evaluation."distilledSetId" = made.id AND evaluation.state = 'SUCCEEDED'
    JOIN "EvaluationResult" result ON result."evaluationId" = evaluation.id AND result.subject = 'DISTILLED_SET'
    WHERE made."runId" = run.id GROUP BY evaluation.id, result."labelKind" ORDER BY 3 DESC LIMIT 1
  ) best ON TRUE
  ORDER BY run."createdAt" DESC, run.id DESC`;

const server = createServer(async (request, response) => {
  const query = new URL(request.url ?? '/', 'http://localhost').searchParams;
  try {
    const { rows } = await pool.query({
      name: 'page',
      text: PAGE,
      values: [process.env.PROJECT_ID, query.get('createdAt'), query.get('id')],
    });
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ runs: rows }));
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
});
server.listen(Number(process.env.PORT), '127.0.0.1', () => process.stdout.write('ready\n'));
