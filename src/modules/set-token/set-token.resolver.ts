import { Arg, Args, Ctx, FieldResolver, Mutation, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { DistilledSet } from '../distilled-set/distilled-set.type.js';
import { nestedConnection } from '../kit/batch.js';
import { Reads } from '../kit/columns.js';
import { type Connection, pageComplexity } from '../kit/connection.js';
import { toPayload } from '../kit/mutation.js';
import type { PageArguments } from '../kit/paging.js';
import {
  DistilledSetTokenCreateInput,
  DistilledSetTokenCreatePayload,
  DistilledSetTokenRevokeInput,
  DistilledSetTokenRevokePayload,
} from './set-token.input.js';
import { type DistilledSetToken, DistilledSetTokens } from './set-token.type.js';

@Resolver(() => DistilledSet)
export class SetTokenResolver {
  @Mutation(() => DistilledSetTokenCreatePayload, {
    description: 'Makes a token that reads one set from the data plane, and shows it this once.',
  })
  async distilledSetTokenCreate(
    @Arg('input', () => DistilledSetTokenCreateInput) input: DistilledSetTokenCreateInput,
    @Ctx() context: RequestContext,
  ): Promise<DistilledSetTokenCreatePayload> {
    const { result, ...payload } = await toPayload(input, () => context.services.setTokens.create(context, input));
    const token = context.services.nodes.reload(context, 'DistilledSetToken', result?.id ?? null);
    return { token, secret: result?.secret ?? null, ...payload };
  }

  @Mutation(() => DistilledSetTokenRevokePayload, { description: 'Ends a token at once.' })
  async distilledSetTokenRevoke(
    @Arg('input', () => DistilledSetTokenRevokeInput) input: DistilledSetTokenRevokeInput,
    @Ctx() context: RequestContext,
  ): Promise<DistilledSetTokenRevokePayload> {
    const { result, ...payload } = await toPayload(input, () => context.services.setTokens.revoke(context, input));
    return { token: context.services.nodes.reload(context, 'DistilledSetToken', result), ...payload };
  }

  @Reads()
  @FieldResolver(() => DistilledSetTokens.Connection, {
    complexity: pageComplexity,
    description: 'Every token that was made for it, also those that do not work any more, until a month later.',
  })
  tokens(
    @Root() set: DistilledSet,
    @Args(() => DistilledSetTokens.Arguments) page: PageArguments,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<DistilledSetToken>> {
    return nestedConnection(loaders.tokensOfSet, set.id, page);
  }
}
