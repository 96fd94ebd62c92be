import { type RunConfig, runConfig } from '../../domain/config.js';
import { TeddyhubError } from '../../domain/errors.js';
import { pickMatchedTeachers, trainedTeachers } from '../../domain/task-planning.js';
import type { Viewer } from '../../domain/viewer.js';
import type { Transaction } from '../../platform/database/client.js';
import type { Teacher } from '../../platform/database/generated/client.js';
import type { RunEventHub } from '../../platform/events/run-event-hub.js';
import type { StoredRunEvent } from '../../platform/events/stored-event.js';
import { type Backend, requestRunCancel, startRun } from '../../platform/orchestration/index.js';
import { type ReadyDataset, requireReadyDataset } from '../kit/checks.js';
import { type Connection, toConnection } from '../kit/connection.js';
import { parseInput, requireName, requireSeed } from '../kit/input.js';
import { audit, type Caller, createOnce, TRANSACTION } from '../kit/mutation.js';
import { notFound, requireUuid } from '../kit/node.js';
import { MAX_PAGE, type PageArguments, readWindow } from '../kit/paging.js';
import { assertAllowed } from '../kit/permissions.js';
import { abortable } from '../kit/stream.js';
import type {
  DistillationRunCancelInput,
  DistillationRunFilter,
  DistillationRunStartInput,
} from './distillation-run.input.js';
import type { DistillationRunRepository } from './distillation-run.repository.js';
import { DistillationRun } from './distillation-run.type.js';

export class DistillationRunService {
  constructor(
    private readonly backend: Backend,
    private readonly runs: DistillationRunRepository,
    private readonly hub: RunEventHub,
  ) {}

  async list(
    viewer: Viewer,
    filter: DistillationRunFilter | null,
    page: PageArguments,
  ): Promise<Connection<DistillationRun>> {
    assertAllowed(viewer, 'object:read');
    const window = readWindow('DistillationRun', page);
    const rows = await this.runs.list(viewer.projectId, filter, window);
    return toConnection(DistillationRun, window, rows, () => this.runs.count(viewer.projectId, filter));
  }

  /** Plans a run and offers its first tasks. Returns its UUID. */
  async start(caller: Caller, input: DistillationRunStartInput): Promise<string> {
    assertAllowed(caller.viewer, 'distillationRun:start');
    const name = requireName(input.name);
    const seed = requireSeed(input.seed);
    const config = parseInput(runConfig, input.config, ['config']);
    const { datasetId, teacherPoolId } = input;
    const { projectId } = caller.viewer;
    const command = {
      operation: 'distillationRunStart',
      subjectType: 'DistillationRun',
      idempotencyKey: input.idempotencyKey,
      request: { name, datasetId, teacherPoolId, config, seed },
    } as const;
    return createOnce(this.backend, caller, command, async (work, id) => {
      const dataset = await requireReadyDataset(work.tx, projectId, datasetId, ['datasetId']);
      const pool = await requireReadyPool(work.tx, projectId, dataset, teacherPoolId);
      checkConfig(config, dataset, pool.teachers);
      await work.tx.distillationRun.create({
        data: { id, projectId, datasetId: dataset.id, poolId: pool.id, name, seed, config },
      });
      await startRun(work, id);
    });
  }

  /** Cancels a run; one that is canceled already stays so. Returns its UUID. Throws NOT_FOUND, INVALID_STATE. */
  async cancel(caller: Caller, input: DistillationRunCancelInput): Promise<string> {
    assertAllowed(caller.viewer, 'distillationRun:cancel');
    const field = ['id'];
    const id = requireUuid('DistillationRun', input.id, field);
    const { database, queue } = this.backend;
    await database.$transaction(async (tx) => {
      const run = await tx.distillationRun.findFirst({ where: { id, projectId: caller.viewer.projectId } });
      if (run === null) throw notFound('DistillationRun', input.id, field);
      await requestRunCancel({ tx, queue }, id).catch((error: unknown) => {
        throw error instanceof TeddyhubError
          ? new TeddyhubError(error.code, error.message, { field, cause: error })
          : error;
      });
      if (run.state !== 'CANCELED') await audit(tx, caller, 'distillationRunCancel', 'DistillationRun', id, {});
    }, TRANSACTION);
    return id;
  }

  /** The events of a run after a sequence, as they come; ends after the terminal one. Throws NOT_FOUND. */
  async follow(
    viewer: Viewer,
    globalId: string,
    afterSequence: number,
  ): Promise<AsyncIterableIterator<StoredRunEvent>> {
    assertAllowed(viewer, 'object:read');
    const id = requireUuid('DistillationRun', globalId);
    const [run] = await this.runs.byIds(viewer.projectId, [id]);
    if (run === undefined) throw notFound('DistillationRun', globalId);
    return abortable((signal) => this.hub.follow(id, afterSequence, signal));
  }

  /** The same events as a page, for clients without a socket. */
  async events(run: DistillationRun, afterSequence: number, first: number): Promise<StoredRunEvent[]> {
    if (first < 1 || first > MAX_PAGE) {
      throw new TeddyhubError('INVALID_INPUT', `\`first\` must be 1 to ${MAX_PAGE}.`);
    }
    return this.runs.events(run.id, afterSequence, first);
  }
}

async function requireReadyPool(tx: Transaction, projectId: string, dataset: ReadyDataset, globalId: string) {
  const field = ['teacherPoolId'];
  const pool = await tx.teacherPool.findFirst({
    where: { id: requireUuid('TeacherPool', globalId, field), projectId },
    include: { teachers: { select: { kind: true, accuracy: true } } },
  });
  if (pool === null) throw notFound('TeacherPool', globalId, field);
  if (pool.datasetId !== dataset.id) {
    throw new TeddyhubError('INVALID_INPUT', `Teacher pool ${pool.name} was trained on another dataset.`, { field });
  }
  if (pool.state !== 'READY') {
    const advice =
      pool.state === 'QUEUED' || pool.state === 'TRAINING' ? 'wait until it is READY' : 'train another one';
    throw new TeddyhubError('INVALID_STATE', `Teacher pool ${pool.name} is ${pool.state}: ${advice}.`, { field });
  }
  return pool;
}

/** What a configuration can only be found wrong in when the dataset and the pool are known. */
function checkConfig(
  { teachers: selection, synthesis, labels }: RunConfig,
  dataset: ReadyDataset,
  pool: readonly Pick<Teacher, 'kind' | 'accuracy'>[],
): void {
  const { imagesPerClass, formation, teachersPerStep } = synthesis;
  const fewest = Math.min(...dataset.trainPerClass);
  if (fewest < imagesPerClass) {
    const name = dataset.classNames[dataset.trainPerClass.indexOf(fewest)];
    throw new TeddyhubError(
      'TOO_FEW_IMAGES',
      `Class ${name} has ${fewest} training images, fewer than the ${imagesPerClass} images per class asked for.`,
      { field: ['config', 'synthesis', 'imagesPerClass'] },
    );
  }
  const { height, width } = dataset.shape;
  if (height % formation !== 0 || width % formation !== 0) {
    throw new TeddyhubError(
      'UNSUPPORTED_SHAPE',
      `Formation ${formation} needs sides that ${formation} divides, and the images are ${height} x ${width}: use formation 1.`,
      { field: ['config', 'synthesis', 'formation'] },
    );
  }
  const matched = pickMatchedTeachers(pool, selection).length;
  if (matched === 0) {
    const { kinds, minAccuracy, maxAccuracy } = selection;
    throw new TeddyhubError(
      'INVALID_INPUT',
      `config.teachers: none of the ${pool.length} teachers of the pool is ${kinds.join(' or ')} with an accuracy of ${minAccuracy} to ${maxAccuracy} %; widen the selection.`,
      { field: ['config', 'teachers'] },
    );
  }
  const atMost = (most: number, what: string, wanted: number, field: readonly string[]) => {
    if (wanted <= most) return;
    const message = `${field.at(-1)} is ${wanted}, but there are only ${most} ${what}.`;
    throw new TeddyhubError('INVALID_INPUT', message, { field });
  };
  const trained = trainedTeachers(pool).length;
  atMost(matched, 'teachers to match', teachersPerStep, ['config', 'synthesis', 'teachersPerStep']);
  atMost(trained, 'trained teachers in the pool', labels.ensembleSize, ['config', 'labels', 'ensembleSize']);
}
