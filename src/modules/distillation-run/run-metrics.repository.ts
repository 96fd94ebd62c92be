/** Curves, sampled where they lie: however many points a run has, a client gets as many as it can draw. */
import type { Transaction } from '../../platform/database/client.js';
import { Prisma } from '../../platform/database/generated/client.js';
import { readRows } from '../../platform/database/read.js';

export interface SampleRow {
  runId: string;
  step: number;
  mean: number;
  min: number;
  max: number;
  points: number;
}

/** Of runs that the caller has found in the project. */
export class RunMetricsRepository {
  constructor(private readonly database: Transaction) {}

  /** One look into the index a name, however many points there are of each. */
  names(runIds: readonly string[]): Promise<{ runId: string; name: string }[]> {
    return readRows(
      this.database,
      Prisma.sql`
      SELECT run.id::text AS "runId", names.name FROM unnest(${[...runIds]}::uuid[]) AS run(id)
      CROSS JOIN LATERAL (
        WITH RECURSIVE next(name) AS (
          (SELECT name FROM "MetricPoint" WHERE "runId" = run.id ORDER BY name LIMIT 1)
          UNION ALL
          SELECT (SELECT point.name FROM "MetricPoint" point
                  WHERE point."runId" = run.id AND point.name > next.name ORDER BY point.name LIMIT 1)
          FROM next WHERE next.name IS NOT NULL
        )
        SELECT name FROM next WHERE name IS NOT NULL
      ) names ORDER BY 1, 2`,
    );
  }

  /** Every run by its own range of steps. */
  samples(runIds: readonly string[], name: string, maxPoints: number): Promise<SampleRow[]> {
    const ids = [...runIds];
    return readRows(
      this.database,
      Prisma.sql`
      WITH range AS (
        SELECT "runId", min(step) AS low, ceil((max(step) - min(step) + 1)::float8 / ${maxPoints}::int)::int AS width
        FROM "MetricPoint" WHERE "runId" = ANY(${ids}::uuid[]) AND name = ${name} GROUP BY 1
      )
      SELECT point."runId"::text AS "runId", max(point.step) AS step, avg(point.value) AS mean, min(point.value) AS min,
        max(point.value) AS max, count(*)::int AS points
      FROM "MetricPoint" point JOIN range USING ("runId")
      WHERE point."runId" = ANY(${ids}::uuid[]) AND point.name = ${name}
      GROUP BY point."runId", (point.step - range.low) / range.width ORDER BY 1, 2`,
    );
  }

  /** All runs by one range of steps, that of all of them together; `step` is the first of its range. */
  aligned(
    runIds: readonly string[],
    name: string,
    maxPoints: number,
  ): Promise<{ runId: string; step: number; mean: number }[]> {
    const ids = [...runIds];
    return readRows(
      this.database,
      Prisma.sql`
      WITH range AS (
        SELECT min(step) AS low, ceil((max(step) - min(step) + 1)::float8 / ${maxPoints}::int)::int AS width
        FROM "MetricPoint" WHERE "runId" = ANY(${ids}::uuid[]) AND name = ${name}
      )
      SELECT point."runId"::text AS "runId", range.low + (point.step - range.low) / range.width * range.width AS step,
        avg(point.value) AS mean
      FROM "MetricPoint" point CROSS JOIN range
      WHERE point."runId" = ANY(${ids}::uuid[]) AND point.name = ${name}
      GROUP BY 1, 2 ORDER BY 2, 1`,
    );
  }
}
