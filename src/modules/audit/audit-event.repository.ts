import type { Transaction } from '../../platform/database/client.js';
import { type AuditEvent, Prisma } from '../../platform/database/generated/client.js';
import type { ColumnsOf } from '../kit/columns.js';
import { type Connection, readConnection } from '../kit/connection.js';
import { readGlobalId } from '../kit/node.js';
import type { PageArguments } from '../kit/paging.js';
import { allOf, ofProject } from '../kit/window-sql.js';
import { type AuditEventFilter, type AuditEvent as AuditEventObject, AuditEvents } from './audit-event.type.js';

/** The history of one project: another project's does not exist here. */
export class AuditEventRepository {
  constructor(private readonly database: Transaction) {}

  byIds(projectId: string, ids: readonly string[]): Promise<AuditEvent[]> {
    return this.database.auditEvent.findMany({ where: { projectId, id: { in: [...ids] } } });
  }

  list(
    projectId: string,
    filter: AuditEventFilter | null,
    page: PageArguments,
    columns?: ColumnsOf,
  ): Promise<Connection<AuditEventObject>> {
    return readConnection(this.database, AuditEvents, whereOf(projectId, filter), page, columns);
  }
}

function whereOf(projectId: string, filter: AuditEventFilter | null): Prisma.Sql {
  const { actor, action, subjectId, createdAfter, createdBefore } = filter ?? {};
  // An id that names nothing has no history.
  const subject = subjectId == null ? null : (readGlobalId(subjectId)?.uuid ?? null);
  return allOf([
    ofProject(projectId),
    actor == null ? null : Prisma.sql`item.actor = ${actor}`,
    action == null ? null : Prisma.sql`item.action = ${action}`,
    subjectId == null ? null : Prisma.sql`item."subjectId" = ${subject}::uuid`,
    createdAfter == null ? null : Prisma.sql`item."createdAt" >= ${createdAfter}::timestamptz`,
    createdBefore == null ? null : Prisma.sql`item."createdAt" < ${createdBefore}::timestamptz`,
  ]);
}
