import type { Transaction } from '../../platform/database/client.js';
import {
  type Evaluation,
  type EvaluationResult,
  type LabelKind,
  Prisma,
} from '../../platform/database/generated/client.js';
import { readRows } from '../../platform/database/read.js';
import type { Columns, ColumnsOf } from '../kit/columns.js';
import { type Connection, readConnection } from '../kit/connection.js';
import type { PageArguments } from '../kit/paging.js';
import { allOf, ofProject, oneOf, readByIds, references } from '../kit/window-sql.js';
import type { EvaluationFilter } from './evaluation.input.js';
import { type Evaluation as EvaluationObject, Evaluations } from './evaluation.type.js';

export interface BestEvaluation {
  runId: string;
  evaluationId: string;
  labelKind: LabelKind;
  seeds: number;
  mean: number;
  deviation: number | null;
}

/** Evaluations of one project: another project's do not exist here. */
export class EvaluationRepository {
  constructor(private readonly database: Transaction) {}

  byIds(projectId: string, ids: readonly string[], columns?: Columns): Promise<Evaluation[]> {
    return readByIds(this.database, 'Evaluation', projectId, ids, columns);
  }

  list(
    projectId: string,
    filter: EvaluationFilter | null,
    page: PageArguments,
    columns?: ColumnsOf,
  ): Promise<Connection<EvaluationObject>> {
    return readConnection(this.database, Evaluations, whereOf(projectId, filter), page, columns);
  }

  /** Of every run with a set that an evaluation has finished with: the largest mean top-1 of the set over the seeds. */
  bestOfRuns(projectId: string, runIds: readonly string[]): Promise<BestEvaluation[]> {
    return readRows(
      this.database,
      Prisma.sql`
      SELECT DISTINCT ON (made."runId") made."runId", evaluation.id AS "evaluationId",
        result."labelKind", count(*)::int AS seeds, avg(result."top1Last") AS mean,
        stddev_samp(result."top1Last") AS deviation
      FROM "DistilledSet" made
      JOIN "Evaluation" evaluation ON evaluation."distilledSetId" = made.id AND evaluation.state = 'SUCCEEDED'
      JOIN "EvaluationResult" result ON result."evaluationId" = evaluation.id AND result.subject = 'DISTILLED_SET'
      WHERE made."projectId" = ${projectId}::uuid AND made."runId" = ANY(${[...runIds]}::uuid[])
      GROUP BY made."runId", evaluation.id, result."labelKind"
      ORDER BY made."runId", avg(result."top1Last") DESC, evaluation.id`,
    );
  }

  /** At most 32 seeds times subjects times label kinds of each. */
  resultsOfEvaluations(projectId: string, evaluationIds: readonly string[]): Promise<EvaluationResult[]> {
    return this.database.evaluationResult.findMany({
      where: { evaluation: { projectId }, evaluationId: { in: [...evaluationIds] } },
      orderBy: [{ subject: 'asc' }, { labelKind: 'asc' }, { seed: 'asc' }],
    });
  }
}

const whereOf = (projectId: string, filter: EvaluationFilter | null): Prisma.Sql =>
  allOf([
    ofProject(projectId),
    filter?.states ? oneOf('state', filter.states, '"EvaluationState"') : null,
    references('distilledSetId', 'DistilledSet', filter?.distilledSetId, 'distilledSetId'),
  ]);
