import { newPoolConfig } from '../../domain/config/pool.js';
import { type Backend, requestPoolCancel, startPoolTraining } from '../../platform/orchestration/index.js';
import { untimed } from '../../platform/telemetry/request-trace.js';
import type { Reader } from '../context.js';
import { requireFit, requireReadyDataset } from '../kit/checks.js';
import type { Connection } from '../kit/connection.js';
import { createOnceFrom } from '../kit/create.js';
import { editOnce, raised } from '../kit/edit.js';
import { parseInput, plain, requireName, requireSeed } from '../kit/input.js';
import { type Caller, cancelOnce } from '../kit/mutation.js';
import { requireUuid } from '../kit/node.js';
import type { PageArguments } from '../kit/paging.js';
import { assertAllowed } from '../kit/permissions.js';
import type { TeacherImports } from './teacher-imports.js';
import type {
  TeacherPoolCancelInput,
  TeacherPoolFilter,
  TeacherPoolTrainInput,
  TeacherPoolUpdateInput,
} from './teacher-pool.input.js';
import type { TeacherPoolRepository } from './teacher-pool.repository.js';
import { TeacherPool } from './teacher-pool.type.js';

export class TeacherPoolService {
  constructor(
    private readonly backend: Backend,
    private readonly pools: TeacherPoolRepository,
    private readonly imports: TeacherImports,
  ) {}

  async list(
    { viewer, columns }: Reader,
    filter: TeacherPoolFilter | null,
    page: PageArguments,
  ): Promise<Connection<TeacherPool>> {
    assertAllowed(viewer, 'object:read');
    return this.pools.list(viewer.projectId, filter, page, columns);
  }

  /** Registers a pool and has a worker train it. Returns its UUID. */
  async train(caller: Caller, input: TeacherPoolTrainInput): Promise<string> {
    assertAllowed(caller.viewer, 'teacherPool:train');
    const name = requireName(input.name);
    const seed = requireSeed(input.seed);
    const asked = parseInput(newPoolConfig, input.config, ['config']);
    const { projectId } = caller.viewer;
    const command = {
      operation: 'teacherPoolTrain',
      subjectType: 'TeacherPool',
      idempotencyKey: input.idempotencyKey,
      request: { name, datasetId: input.datasetId, config: asked, seed },
      asked: plain({ name: input.name, datasetId: input.datasetId, config: input.config, seed: input.seed }),
    } as const;
    const takeIn = async () => {
      // Before gigabytes are read for it.
      if (asked.imports.length > 0) {
        await requireReadyDataset(this.backend.database, projectId, input.datasetId, ['datasetId']);
      }
      return untimed(() => this.imports.takeIn(asked.imports, projectId));
    };
    return createOnceFrom(this.backend, caller, command, takeIn, async (work, id, { imports, imported }) => {
      const config = { ...asked, imports };
      const dataset = await requireReadyDataset(work.tx, projectId, input.datasetId, ['datasetId']);
      // SGD's velocity, and what was pruned.
      const copies = config.prunedRatios.length > 0 ? 3 : 2;
      requireFit(config.architecture, dataset, copies, ['config', 'architecture']);
      config.otherArchitectures.forEach((architecture, index) => {
        requireFit(architecture, dataset, copies, ['config', 'otherArchitectures', String(index)]);
      });
      config.imports.forEach(({ architecture }, index) => {
        requireFit(architecture, dataset, 1, ['config', 'imports', String(index), 'architecture']);
      });
      await work.tx.teacherPool.create({ data: { id, projectId, datasetId: dataset.id, name, seed, config } });
      await startPoolTraining(work, id, imported);
    });
  }

  /** Cancels a training; one that is canceled already stays so. Returns its UUID. Throws NOT_FOUND, INVALID_STATE. */
  cancel(caller: Caller, input: TeacherPoolCancelInput): Promise<string> {
    assertAllowed(caller.viewer, 'teacherPool:cancel');
    const id = requireUuid('TeacherPool', input.id, ['id']);
    return cancelOnce(
      this.backend,
      caller,
      { operation: 'teacherPoolCancel', subjectType: 'TeacherPool', id },
      {
        find: (tx) => tx.teacherPool.findFirst({ where: { id, projectId: caller.viewer.projectId } }),
        cancel: requestPoolCancel,
      },
    );
  }

  /** Changes the name. Returns its UUID. Throws NOT_FOUND, VERSION_CONFLICT, INVALID_INPUT. */
  async update(caller: Caller, input: TeacherPoolUpdateInput): Promise<string> {
    assertAllowed(caller.viewer, 'teacherPool:edit');
    const { name } = input.changes;
    const changes = name == null ? {} : { name: requireName(name, ['changes', 'name']) };
    const edit = { ...input, operation: 'teacherPoolUpdate', subjectType: 'TeacherPool', changes } as const;
    return editOnce(this.backend, caller, edit, {
      write: (tx, where) => tx.teacherPool.updateMany({ where, data: { ...changes, ...raised } }),
      read: (tx, where) => tx.teacherPool.findFirst({ where, select: { version: true } }),
    });
  }
}
