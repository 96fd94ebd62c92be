import type { Reader } from '../context.js';
import type { Connection } from '../kit/connection.js';
import type { PageArguments } from '../kit/paging.js';
import { assertAllowed } from '../kit/permissions.js';
import type { AuditEventRepository } from './audit-event.repository.js';
import type { AuditEvent, AuditEventFilter } from './audit-event.type.js';

export class AuditEventService {
  constructor(private readonly events: AuditEventRepository) {}

  list(
    { viewer, columns }: Reader,
    filter: AuditEventFilter | null,
    page: PageArguments,
  ): Promise<Connection<AuditEvent>> {
    assertAllowed(viewer, 'audit:read');
    return this.events.list(viewer.projectId, filter, page, columns);
  }
}
