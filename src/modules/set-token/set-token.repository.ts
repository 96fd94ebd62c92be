import type { Database } from '../../platform/database/client.js';
import type { DistilledSet, DistilledSetToken } from '../../platform/database/generated/client.js';

export type TokenWithSet = DistilledSetToken & { distilledSet: Pick<DistilledSet, 'id' | 'projectId'> };

export class SetTokenRepository {
  constructor(private readonly database: Database) {}

  /** Whoever's it is: the token itself says for what it stands. */
  byPrefix(prefix: string): Promise<TokenWithSet | null> {
    return this.database.distilledSetToken.findUnique({
      where: { prefix },
      include: { distilledSet: { select: { id: true, projectId: true } } },
    });
  }

  byIds(projectId: string, ids: readonly string[]): Promise<DistilledSetToken[]> {
    return this.database.distilledSetToken.findMany({ where: { distilledSet: { projectId }, id: { in: [...ids] } } });
  }
}
