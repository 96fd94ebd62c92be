import { type PoolConfig, poolConfig } from '../../domain/config.js';
import { TeddyhubError } from '../../domain/errors.js';
import type { Viewer } from '../../domain/viewer.js';
import { type Backend, startPoolTraining } from '../../platform/orchestration/index.js';
import { resolveImportPath } from '../dataset/import-path.js';
import { requireFit, requireReadyDataset } from '../kit/checks.js';
import { type Connection, toConnection } from '../kit/connection.js';
import { parseInput, requireName, requireSeed } from '../kit/input.js';
import { type Caller, createOnce } from '../kit/mutation.js';
import { type PageArguments, readWindow } from '../kit/paging.js';
import { assertAllowed } from '../kit/permissions.js';
import type { TeacherPoolFilter, TeacherPoolTrainInput } from './teacher-pool.input.js';
import type { TeacherPoolRepository } from './teacher-pool.repository.js';
import { TeacherPool } from './teacher-pool.type.js';

export class TeacherPoolService {
  constructor(
    private readonly backend: Backend,
    private readonly pools: TeacherPoolRepository,
    private readonly importRoot: string,
  ) {}

  async list(viewer: Viewer, filter: TeacherPoolFilter | null, page: PageArguments): Promise<Connection<TeacherPool>> {
    assertAllowed(viewer, 'object:read');
    const window = readWindow('TeacherPool', page);
    const rows = await this.pools.list(viewer.projectId, filter, window);
    return toConnection(TeacherPool, window, rows, () => this.pools.count(viewer.projectId, filter));
  }

  /** Registers a pool and has a worker train it. Returns its UUID. */
  async train(caller: Caller, input: TeacherPoolTrainInput): Promise<string> {
    assertAllowed(caller.viewer, 'teacherPool:train');
    const name = requireName(input.name);
    const seed = requireSeed(input.seed);
    const asked = parseInput(poolConfig, input.config, ['config']);
    checkEpochs(asked);
    const config = { ...asked, imports: await this.resolveImports(asked) };
    const { projectId } = caller.viewer;
    const command = {
      operation: 'teacherPoolTrain',
      subjectType: 'TeacherPool',
      idempotencyKey: input.idempotencyKey,
      request: { name, datasetId: input.datasetId, config, seed },
    } as const;
    return createOnce(this.backend, caller, command, async (work, id) => {
      const dataset = await requireReadyDataset(work.tx, projectId, input.datasetId, ['datasetId']);
      requireFit(config.architecture, dataset.shape, ['config', 'architecture']);
      config.otherArchitectures.forEach((architecture, index) => {
        requireFit(architecture, dataset.shape, ['config', 'otherArchitectures', String(index)]);
      });
      config.imports.forEach(({ architecture }, index) => {
        requireFit(architecture, dataset.shape, ['config', 'imports', String(index), 'architecture']);
      });
      await work.tx.teacherPool.create({ data: { id, projectId, datasetId: dataset.id, name, seed, config } });
      await startPoolTraining(work, id);
    });
  }

  /** The same with real paths. Throws INVALID_INPUT and BAD_INPUT_FILE, as for the files of a dataset. */
  private resolveImports({ imports }: PoolConfig): Promise<PoolConfig['imports']> {
    return Promise.all(
      imports.map(async (one, index) => {
        const field = ['config', 'imports', String(index), 'path'];
        return { ...one, path: await resolveImportPath(this.importRoot, one.path, field) };
      }),
    );
  }
}

function checkEpochs({ checkpointEpochs, epochs }: PoolConfig): void {
  const ascending = checkpointEpochs.every((epoch, index) => index === 0 || epoch > checkpointEpochs[index - 1]!);
  if (ascending && checkpointEpochs.every((epoch) => epoch <= epochs)) return;
  throw new TeddyhubError(
    'INVALID_INPUT',
    `config.checkpointEpochs: must ascend and not go beyond the ${epochs} epochs of the base run.`,
    { field: ['config', 'checkpointEpochs'] },
  );
}
