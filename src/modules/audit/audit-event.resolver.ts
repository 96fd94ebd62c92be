import { Arg, Args, Ctx, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { type Connection, pageComplexity } from '../kit/connection.js';
import type { PageArguments } from '../kit/paging.js';
import { AuditEvent, AuditEventFilter, AuditEvents } from './audit-event.type.js';

@Resolver(() => AuditEvent)
export class AuditEventResolver {
  @Query(() => AuditEvents.Connection, {
    complexity: pageComplexity,
    description: 'The audit trail. Not for VIEWER keys.',
  })
  auditEvents(
    @Args(() => AuditEvents.Arguments) page: PageArguments,
    @Arg('filter', () => AuditEventFilter, { nullable: true }) filter: AuditEventFilter | null,
    @Ctx() { services, viewer }: RequestContext,
  ): Promise<Connection<AuditEvent>> {
    return services.auditEvents.list(viewer, filter, page);
  }
}
