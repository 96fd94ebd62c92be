import type { Viewer } from '../../domain/viewer.js';
import type { Reader } from '../context.js';
import type { Connection } from '../kit/connection.js';
import type { PageArguments } from '../kit/paging.js';
import { assertAllowed } from '../kit/permissions.js';
import type { TaskFilter } from './task.input.js';
import type { QueueRow, TaskRepository } from './task.repository.js';
import type { Task } from './task.type.js';

export class TaskService {
  constructor(private readonly tasks: TaskRepository) {}

  list({ viewer, columns }: Reader, filter: TaskFilter | null, page: PageArguments): Promise<Connection<Task>> {
    assertAllowed(viewer, 'object:read');
    return this.tasks.list(viewer.projectId, filter, page, columns);
  }

  /** What of the project waits for workers or is with them, by kind. */
  queue(viewer: Viewer): Promise<QueueRow[]> {
    assertAllowed(viewer, 'object:read');
    return this.tasks.queue(viewer.projectId);
  }
}
