import type { Viewer } from '../../domain/viewer.js';
import { type Connection, toConnection } from '../kit/connection.js';
import { type PageArguments, readWindow } from '../kit/paging.js';
import { assertAllowed } from '../kit/permissions.js';
import type { WorkerRepository } from './worker.repository.js';
import { Worker } from './worker.type.js';

export class WorkerService {
  constructor(private readonly workers: WorkerRepository) {}

  async list(viewer: Viewer, page: PageArguments): Promise<Connection<Worker>> {
    assertAllowed(viewer, 'object:read');
    const window = readWindow('Worker', page);
    return toConnection(Worker, window, await this.workers.list(window), () => this.workers.count());
  }
}
