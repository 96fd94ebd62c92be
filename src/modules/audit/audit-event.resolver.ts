import { Arg, Args, Ctx, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { Reads } from '../kit/columns.js';
import { type Connection, pageComplexity } from '../kit/connection.js';
import type { PageArguments } from '../kit/paging.js';
import { AuditEvent, AuditEventFilter, AuditEvents } from './audit-event.type.js';

@Resolver(() => AuditEvent)
export class AuditEventResolver {
  @Reads()
  @Query(() => AuditEvents.Connection, {
    complexity: pageComplexity,
    description: 'The audit trail. Not for VIEWER keys.',
  })
  auditEvents(
    @Args(() => AuditEvents.Arguments) page: PageArguments,
    @Arg('filter', () => AuditEventFilter, { nullable: true }) filter: AuditEventFilter | null,
    @Ctx() context: RequestContext,
  ): Promise<Connection<AuditEvent>> {
    return context.services.auditEvents.list(context, filter, page);
  }
}
