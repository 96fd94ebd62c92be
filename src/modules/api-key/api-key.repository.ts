import type { Role } from '../../domain/viewer.js';
import type { Database, Transaction } from '../../platform/database/client.js';
import type { ApiKey, Prisma } from '../../platform/database/generated/client.js';
import type { ColumnsOf } from '../kit/columns.js';
import { type Connection, readConnection } from '../kit/connection.js';
import type { PageArguments } from '../kit/paging.js';
import { ofProject } from '../kit/window-sql.js';
import { type ApiKey as ApiKeyObject, ApiKeys } from './api-key.type.js';

export class ApiKeyRepository {
  constructor(private readonly database: Database) {}

  byPrefix(prefix: string): Promise<ApiKey | null> {
    return this.database.apiKey.findUnique({ where: { prefix } });
  }

  async touch(id: string): Promise<void> {
    await this.database.apiKey.updateMany({ where: { id }, data: { lastUsedAt: new Date() } });
  }

  byPrefixes(prefixes: readonly string[]): Promise<ApiKey[]> {
    return this.database.apiKey.findMany({ where: { prefix: { in: [...prefixes] } } });
  }

  byIds(projectId: string, ids: readonly string[]): Promise<ApiKey[]> {
    return this.database.apiKey.findMany({ where: { projectId, id: { in: [...ids] } } });
  }

  list(projectId: string, page: PageArguments, columns?: ColumnsOf): Promise<Connection<ApiKeyObject>> {
    return readConnection(this.database, ApiKeys, ofProject(projectId), page, columns);
  }

  /** Of all projects. */
  listAll(): Promise<(ApiKey & { project: { name: string } })[]> {
    const include = { project: { select: { name: true } } };
    return this.database.apiKey.findMany({ include, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] });
  }

  /** Makes the project where there is none of this name. */
  async create(
    project: string,
    key: { name: string; prefix: string; secretHash: string; role: Role; expiresAt: Date | null },
  ): Promise<ApiKey> {
    const { id: projectId } = await this.database.project.upsert({
      where: { name: project },
      create: { name: project },
      update: {},
    });
    return this.database.$transaction(async (tx) => {
      const made = await tx.apiKey.create({ data: { ...key, projectId } });
      const { name, role, expiresAt } = key;
      await recordByOperator(tx, 'apiKeyCreate', made, { name, role, expiresAt: expiresAt?.toISOString() ?? null });
      return made;
    });
  }

  /** Whether there was such a key, not yet revoked. */
  async revoke(prefix: string): Promise<boolean> {
    return this.database.$transaction(async (tx) => {
      const where = { prefix, revokedAt: null };
      const [ended] = await tx.apiKey.updateManyAndReturn({ where, data: { revokedAt: new Date() } });
      if (ended !== undefined) await recordByOperator(tx, 'apiKeyRevoke', ended, { prefix });
      return ended !== undefined;
    });
  }
}

/** In the history of the project, as by whoever holds the database: no key of the API did it. */
async function recordByOperator(
  tx: Transaction,
  action: string,
  { id: subjectId, projectId }: ApiKey,
  data: Prisma.InputJsonObject,
): Promise<void> {
  await tx.auditEvent.create({
    data: { projectId, actor: 'operator', action, subjectType: 'ApiKey', subjectId, data },
  });
}
