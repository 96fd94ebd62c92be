import { Ctx, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { ViewerType } from './project.type.js';
import { RateLimit } from './rate-limit.type.js';

@Resolver()
export class ProjectResolver {
  @Query(() => ViewerType, { description: 'Who asks.' })
  async viewer(@Ctx() { viewer, services }: RequestContext): Promise<ViewerType> {
    const { projectId, role, keyPrefix } = viewer;
    return { projectName: await services.projects.nameOf(projectId), role, keyPrefix };
  }

  @Query(() => RateLimit, { nullable: true, description: 'What this key has left; null where there is no limit.' })
  rateLimit(@Ctx() { rateLimit }: RequestContext): RateLimit | null {
    return rateLimit;
  }
}
