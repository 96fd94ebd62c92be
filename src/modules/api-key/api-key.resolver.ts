import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { Reads } from '../kit/columns.js';
import { type Connection, pageComplexity } from '../kit/connection.js';
import { toPayload } from '../kit/mutation.js';
import type { PageArguments } from '../kit/paging.js';
import {
  ApiKeyCreateInput,
  ApiKeyCreatePayload,
  ApiKeyRevokeInput,
  ApiKeyRevokePayload,
  ApiKeyRotateInput,
  ApiKeyRotatePayload,
} from './api-key.input.js';
import { ApiKey, ApiKeys } from './api-key.type.js';

@Resolver(() => ApiKey)
export class ApiKeyResolver {
  @Reads()
  @Query(() => ApiKey, { nullable: true, description: 'Null where there is none.' })
  apiKey(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<ApiKey | null> {
    return context.services.nodes.get(context, 'ApiKey', id);
  }

  @Reads()
  @Query(() => ApiKeys.Connection, { complexity: pageComplexity, description: 'For ADMIN keys.' })
  apiKeys(
    @Args(() => ApiKeys.Arguments) page: PageArguments,
    @Ctx() context: RequestContext,
  ): Promise<Connection<ApiKey>> {
    return context.services.apiKeys.list(context, page);
  }

  @Mutation(() => ApiKeyCreatePayload, { description: 'Makes a key and shows it this once. For ADMIN keys.' })
  async apiKeyCreate(
    @Arg('input', () => ApiKeyCreateInput) input: ApiKeyCreateInput,
    @Ctx() context: RequestContext,
  ): Promise<ApiKeyCreatePayload> {
    const { result, ...payload } = await toPayload(input, () => context.services.apiKeys.create(context, input));
    const apiKey = context.services.nodes.reload(context, 'ApiKey', result?.id ?? null);
    return { apiKey, secret: result?.key ?? null, ...payload };
  }

  @Mutation(() => ApiKeyRotatePayload, {
    description: 'Puts a new key of the same name and role in the place of an old one. For ADMIN keys.',
  })
  async apiKeyRotate(
    @Arg('input', () => ApiKeyRotateInput) input: ApiKeyRotateInput,
    @Ctx() context: RequestContext,
  ): Promise<ApiKeyRotatePayload> {
    const { result, ...payload } = await toPayload(input, () => context.services.apiKeys.rotate(context, input));
    const apiKey = context.services.nodes.reload(context, 'ApiKey', result?.id ?? null);
    return { apiKey, secret: result?.key ?? null, ...payload };
  }

  @Mutation(() => ApiKeyRevokePayload, {
    description: 'Ends a key within seconds, its sockets included. For ADMIN keys.',
  })
  async apiKeyRevoke(
    @Arg('input', () => ApiKeyRevokeInput) input: ApiKeyRevokeInput,
    @Ctx() context: RequestContext,
  ): Promise<ApiKeyRevokePayload> {
    const { result, ...payload } = await toPayload(input, () => context.services.apiKeys.revoke(context, input));
    return { apiKey: context.services.nodes.reload(context, 'ApiKey', result), ...payload };
  }

  @FieldResolver(() => ApiKey, { nullable: true, description: 'The key that a rotation put in its place.' })
  successor(@Root() key: ApiKey, @Ctx() context: RequestContext): Promise<ApiKey | null> {
    return context.services.nodes.relatedOrNull(context, 'ApiKey', key.successorId);
  }
}
