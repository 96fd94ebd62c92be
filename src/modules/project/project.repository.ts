import type { Transaction } from '../../platform/database/client.js';

export class ProjectRepository {
  constructor(private readonly database: Transaction) {}

  async nameOf(projectId: string): Promise<string> {
    const project = await this.database.project.findUniqueOrThrow({ where: { id: projectId }, select: { name: true } });
    return project.name;
  }
}
