import type { Viewer } from '../../domain/viewer.js';
import type { Reader } from '../context.js';
import type { Connection } from '../kit/connection.js';
import type { PageArguments } from '../kit/paging.js';
import { assertAllowed } from '../kit/permissions.js';
import type { WorkerRepository } from './worker.repository.js';
import type { Device, Worker } from './worker.type.js';

export class WorkerService {
  constructor(private readonly workers: WorkerRepository) {}

  list({ viewer, columns }: Reader, page: PageArguments): Promise<Connection<Worker>> {
    assertAllowed(viewer, 'object:read');
    return this.workers.list(page, columns);
  }

  devices(viewer: Viewer): Promise<Device[]> {
    assertAllowed(viewer, 'object:read');
    return this.workers.devices();
  }
}
