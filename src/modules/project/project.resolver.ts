import { Ctx, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { listComplexity } from '../kit/connection.js';
import { ViewerType } from './project.type.js';
import { RateLimit } from './rate-limit.type.js';
import { StorageUse } from './storage.type.js';

@Resolver()
export class ProjectResolver {
  @Query(() => ViewerType, { description: 'Who asks.' })
  async viewer(@Ctx() { viewer, services }: RequestContext): Promise<ViewerType> {
    const { projectId, role, keyPrefix } = viewer;
    return { projectName: await services.projects.nameOf(projectId), role, keyPrefix };
  }

  @Query(() => [StorageUse], {
    complexity: listComplexity(4),
    description: 'What the objects of this project take, by kind.',
  })
  storage(@Ctx() { viewer, services }: RequestContext): Promise<StorageUse[]> {
    return services.storage.ofProject(viewer);
  }

  @Query(() => RateLimit, { nullable: true, description: 'What this key has left; null where there is no limit.' })
  rateLimit(@Ctx() { rateLimit }: RequestContext): RateLimit | null {
    return rateLimit;
  }
}
