import { architectureConfig } from '../../domain/config/architecture.js';
import { type EvaluationConfig, evaluationConfig } from '../../domain/config/evaluation.js';
import { type LabelConfig, labelConfig, runConfig } from '../../domain/config/run.js';
import { TeddyhubError } from '../../domain/errors.js';
import { ownRecipe } from '../../domain/manifest.js';
import { pickLabelTeachers } from '../../domain/task-planning.js';
import type { Transaction } from '../../platform/database/client.js';
import type { Teacher as TeacherRow } from '../../platform/database/generated/client.js';
import {
  assertReady,
  type Backend,
  requestEvaluationCancel,
  shapeOf,
  startEvaluation,
} from '../../platform/orchestration/index.js';
import type { Reader } from '../context.js';
import { requireFit } from '../kit/checks.js';
import type { Connection } from '../kit/connection.js';
import { createOnce } from '../kit/create.js';
import { keepOne } from '../kit/grace.js';
import { parseInput, plain } from '../kit/input.js';
import { type Caller, cancelOnce } from '../kit/mutation.js';
import { notFound, requireUuid } from '../kit/node.js';
import type { PageArguments } from '../kit/paging.js';
import { assertAllowed } from '../kit/permissions.js';
import type { EvaluationCancelInput, EvaluationFilter, EvaluationStartInput } from './evaluation.input.js';
import type { EvaluationRepository } from './evaluation.repository.js';
import { Evaluation } from './evaluation.type.js';

export class EvaluationService {
  constructor(
    private readonly backend: Backend,
    private readonly evaluations: EvaluationRepository,
  ) {}

  async list(
    { viewer, columns }: Reader,
    filter: EvaluationFilter | null,
    page: PageArguments,
  ): Promise<Connection<Evaluation>> {
    assertAllowed(viewer, 'object:read');
    return this.evaluations.list(viewer.projectId, filter, page, columns);
  }

  /** Has workers train students on a set and on its baselines. Returns the UUID of the evaluation. */
  async start(caller: Caller, input: EvaluationStartInput): Promise<string> {
    assertAllowed(caller.viewer, 'evaluation:start');
    const { projectId } = caller.viewer;
    const { database } = this.backend;
    // Whatever its state: a request that is sent again gets its first answer, though the set be archived since.
    const { run } = await this.findSet(database, projectId, input.distilledSetId);
    const config = parseInput(evaluationConfig, withOwnRecipe(input.config, run), ['config']);
    if (new Set(config.seeds).size < config.seeds.length) {
      throw new TeddyhubError('INVALID_INPUT', 'config.seeds: give each seed once.', { field: ['config', 'seeds'] });
    }
    const command = {
      operation: 'evaluationStart',
      subjectType: 'Evaluation',
      idempotencyKey: input.idempotencyKey,
      request: { distilledSetId: input.distilledSetId, config },
      asked: plain({ distilledSetId: input.distilledSetId, config: input.config }),
    } as const;
    return createOnce(this.backend, caller, command, async (work, id) => {
      const set = await this.requireSet(work.tx, projectId, input.distilledSetId);
      const { dataset } = set.run;
      assertReady(dataset);
      const { classNames } = dataset;
      const shape = shapeOf(dataset);
      const { architecture, optimizer, averageDecay } = config.recipe;
      const copies = (optimizer === 'SGD' ? 2 : 3) + (averageDecay > 0 ? 1 : 0);
      requireFit(architecture, { shape, classNames }, copies, ['config', 'recipe', 'architecture']);
      for (const { config: labels } of set.labelSets) {
        checkLabels(config, labelConfig.parse(labels), classNames.length);
      }
      const data = { id, projectId, distilledSetId: set.id, setDigest: set.digest, config };
      await work.tx.evaluation.create({ data });
      await startEvaluation(work, id);
    });
  }

  /** Cancels an evaluation; one that is canceled already stays so. Returns its UUID. Throws NOT_FOUND, INVALID_STATE. */
  cancel(caller: Caller, input: EvaluationCancelInput): Promise<string> {
    assertAllowed(caller.viewer, 'evaluation:cancel');
    const id = requireUuid('Evaluation', input.id, ['id']);
    return cancelOnce(
      this.backend,
      caller,
      { operation: 'evaluationCancel', subjectType: 'Evaluation', id },
      {
        find: (tx) => tx.evaluation.findFirst({ where: { id, projectId: caller.viewer.projectId } }),
        cancel: requestEvaluationCancel,
      },
    );
  }

  private async findSet(tx: Transaction, projectId: string, globalId: string) {
    const field = ['distilledSetId'];
    const set = await tx.distilledSet.findFirst({
      where: { id: requireUuid('DistilledSet', globalId, field), projectId },
      include: {
        run: { include: { dataset: true, pool: { include: { teachers: true } } } },
        labelSets: { where: { mode: 'FKD' } },
      },
    });
    if (set === null) throw notFound('DistilledSet', globalId, field);
    return set;
  }

  private async requireSet(tx: Transaction, projectId: string, globalId: string) {
    await keepOne(tx, 'DistilledSet', requireUuid('DistilledSet', globalId, ['distilledSetId']));
    const set = await this.findSet(tx, projectId, globalId);
    if (set.state !== 'ARCHIVED') return set;
    const message = `Distilled set ${set.name} is ARCHIVED: evaluate another one.`;
    throw new TeddyhubError('INVALID_STATE', message, { field: ['distilledSetId'] });
  }
}

/** What a recipe leaves out of network, steps and batches is what the set is made for. */
function withOwnRecipe(
  config: EvaluationStartInput['config'],
  run: { config: unknown; pool: { teachers: TeacherRow[] } },
): object {
  const { labels } = runConfig.parse(run.config);
  const [best] = pickLabelTeachers(run.pool.teachers, labels);
  if (best === undefined) return config ?? {};
  const own = ownRecipe({ architecture: architectureConfig.parse(best.architecture) }, labels);
  const asked = Object.entries(config?.recipe ?? {}).filter(([, value]) => value != null);
  return { ...config, recipe: { ...own, ...Object.fromEntries(asked) } };
}

/** Soft labels are stored for the batches of a fixed number of steps: a student cannot see more of them, or other ones. */
function checkLabels({ recipe, labelKinds }: EvaluationConfig, labels: LabelConfig, classes: number): void {
  if (!labelKinds.includes('SOFT')) return;
  if (recipe.steps > labels.fkdSteps) {
    throw new TeddyhubError(
      'INVALID_INPUT',
      `config.recipe.steps: the set holds labels of ${labels.fkdSteps} steps and cannot train ${recipe.steps}; ` +
        'take fewer steps, or distil with more labels.fkdSteps.',
      { field: ['config', 'recipe', 'steps'] },
    );
  }
  if (recipe.batchSize !== labels.fkdBatchSize) {
    throw new TeddyhubError(
      'INVALID_INPUT',
      `config.recipe.batchSize: the labels of the set are made for batches of ${labels.fkdBatchSize}.`,
      { field: ['config', 'recipe', 'batchSize'] },
    );
  }
  if (recipe.loss === 'MSE_CE' && labels.topK > 0 && labels.topK < classes) {
    throw new TeddyhubError(
      'INVALID_INPUT',
      `config.recipe.loss: the set holds the ${labels.topK} largest logits of each view, and MSE_CE needs all; take KL.`,
      { field: ['config', 'recipe', 'loss'] },
    );
  }
}
