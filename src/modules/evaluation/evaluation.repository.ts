import type { Transaction } from '../../platform/database/client.js';
import type { Evaluation, EvaluationResult, Prisma } from '../../platform/database/generated/client.js';
import { requireUuid } from '../kit/node.js';
import { keyset, type Window } from '../kit/paging.js';
import type { EvaluationFilter } from './evaluation.input.js';

/** Evaluations of one project: another project's do not exist here. */
export class EvaluationRepository {
  constructor(private readonly database: Transaction) {}

  byIds(projectId: string, ids: readonly string[]): Promise<Evaluation[]> {
    return this.database.evaluation.findMany({ where: { projectId, id: { in: [...ids] } } });
  }

  list(projectId: string, filter: EvaluationFilter | null, window: Window): Promise<Evaluation[]> {
    const { where, ...page } = keyset(window);
    return this.database.evaluation.findMany({ where: { ...whereOf(projectId, filter), ...where }, ...page });
  }

  count(projectId: string, filter: EvaluationFilter | null): Promise<number> {
    return this.database.evaluation.count({ where: whereOf(projectId, filter) });
  }

  /** At most 32 seeds times subjects times label kinds of each. */
  resultsOfEvaluations(projectId: string, evaluationIds: readonly string[]): Promise<EvaluationResult[]> {
    return this.database.evaluationResult.findMany({
      where: { evaluation: { projectId }, evaluationId: { in: [...evaluationIds] } },
      orderBy: [{ subject: 'asc' }, { labelKind: 'asc' }, { seed: 'asc' }],
    });
  }
}

const whereOf = (projectId: string, filter: EvaluationFilter | null): Prisma.EvaluationWhereInput => ({
  projectId,
  ...(filter?.states ? { state: { in: filter.states } } : {}),
  ...(filter?.distilledSetId
    ? { distilledSetId: requireUuid('DistilledSet', filter.distilledSetId, ['filter', 'distilledSetId']) }
    : {}),
});
