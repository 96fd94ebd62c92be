import { pickLabelTeachers, pickMatchedTeachers } from '../../domain/task-planning.js';
import type { RequestContext } from '../context.js';
import { fromRow } from '../kit/node.js';
import { Teacher } from '../teacher-pool/teacher-pool.type.js';
import type { DistilledSet, Lineage } from './distilled-set.type.js';

/** By the same choice among the teachers of the pool as the planner's: a pool does not change once it is READY. */
export async function lineageOf(context: RequestContext, set: DistilledSet): Promise<Lineage> {
  const { nodes } = context.services;
  const distillationRun = await nodes.related(context, 'DistillationRun', set.runId);
  const { datasetId, poolId } = distillationRun;
  const [dataset, teacherPool, rows] = await Promise.all([
    nodes.related(context, 'Dataset', datasetId),
    nodes.related(context, 'TeacherPool', poolId),
    context.loaders.allTeachersOfPool.load(poolId),
  ]);
  const config = (await context.loaders.configOfRun.load(distillationRun.id))!.config;
  return {
    ...{ dataset, teacherPool, distillationRun },
    matchedTeachers: pickMatchedTeachers(rows, config).map((row) => fromRow(Teacher, row)),
    labelTeachers: pickLabelTeachers(rows, config.labels).map((row) => fromRow(Teacher, row)),
  };
}
