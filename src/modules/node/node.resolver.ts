import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql';
import { TeddyhubError } from '../../domain/errors.js';
import type { RequestContext } from '../context.js';
import { Reads } from '../kit/columns.js';
import { Node } from '../kit/node.js';
import { MAX_PAGE } from '../kit/paging.js';

@Resolver()
export class NodeResolver {
  @Reads()
  @Query(() => Node, { nullable: true, description: 'Any object by its id; null where there is none.' })
  node(@Arg('id', () => ID) id: string, @Ctx() context: RequestContext): Promise<Node | null> {
    return context.services.nodes.find(context, id);
  }

  @Reads()
  @Query(() => [Node], {
    nullable: 'items',
    description:
      'Objects in the order of their ids, at most 100; null where there is none, or none that the key may read.',
    complexity: ({ args, childComplexity }) => 1 + Math.max(1, (args.ids as string[]).length) * childComplexity,
  })
  nodes(@Arg('ids', () => [ID]) ids: string[], @Ctx() context: RequestContext): Promise<Node | null>[] {
    if (ids.length > MAX_PAGE) throw new TeddyhubError('INVALID_INPUT', `Give at most ${MAX_PAGE} ids.`);
    // Each by itself: what the key may not read is null, with an error of its own, and takes none of the others with it.
    return ids.map((id) => context.services.nodes.find(context, id));
  }
}
