import { Ctx, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { Reads } from '../kit/columns.js';
import { listComplexity } from '../kit/connection.js';
import { ViewerType } from './project.type.js';
import { RateLimit } from './rate-limit.type.js';
import { StorageUse } from './storage.type.js';

@Resolver()
export class ProjectResolver {
  @Reads()
  @Query(() => ViewerType, { description: 'Who asks.' })
  async viewer(@Ctx() context: RequestContext): Promise<ViewerType> {
    const { projectId, role, keyPrefix } = context.viewer;
    const project = await context.services.nodes.related(context, 'Project', projectId);
    return { project, projectName: project.name, role, keyPrefix };
  }

  @Reads()
  @Query(() => [StorageUse], {
    complexity: listComplexity(4),
    description:
      'What the datasets, teachers, sets and labels of this project take; checkpoints and results of tasks, statistics, exports and uploads are not counted.',
  })
  storage(@Ctx() { viewer, services }: RequestContext): Promise<StorageUse[]> {
    return services.storage.ofProject(viewer);
  }

  @Reads()
  @Query(() => RateLimit, { nullable: true, description: 'What this key has left; null where there is no limit.' })
  rateLimit(@Ctx() { rateLimit }: RequestContext): RateLimit | null {
    return rateLimit;
  }
}
