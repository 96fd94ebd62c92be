import type { Transaction } from '../../platform/database/client.js';
import type { Project } from '../../platform/database/generated/client.js';

export class ProjectRepository {
  constructor(private readonly database: Transaction) {}

  /** A project is seen from within alone. */
  byIds(projectId: string, ids: readonly string[]): Promise<Project[]> {
    return this.database.project.findMany({ where: { id: { in: ids.filter((id) => id === projectId) } } });
  }
}
