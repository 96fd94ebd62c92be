import 'reflect-metadata';
import { defaultFieldResolver, type GraphQLSchema } from 'graphql';
import { GraphQLDateTime } from 'graphql-scalars';
import { buildSchema, type PubSub } from 'type-graphql';
import { ApiKeyResolver } from '../modules/api-key/api-key.resolver.js';
import { AuditEventResolver } from '../modules/audit/audit-event.resolver.js';
import type { RequestContext } from '../modules/context.js';
import { DatasetResolver } from '../modules/dataset/dataset.resolver.js';
import { UploadResolver } from '../modules/dataset/upload.resolver.js';
import { DistillationRunResolver } from '../modules/distillation-run/distillation-run.resolver.js';
import { RunComparisonResolver, RunMetricsResolver } from '../modules/distillation-run/run-analysis.resolver.js';
import { RUN_EVENT_CLASSES } from '../modules/distillation-run/run-event.type.js';
import { RunMutationsResolver } from '../modules/distillation-run/run-mutations.resolver.js';
import { RunProgressResolver } from '../modules/distillation-run/run-progress.resolver.js';
import { DistilledSetResolver, LabelSetResolver } from '../modules/distilled-set/distilled-set.resolver.js';
import { EvaluationResolver, EvaluationScoreResolver } from '../modules/evaluation/evaluation.resolver.js';
import { NodeResolver } from '../modules/node/node.resolver.js';
import { ProjectResolver } from '../modules/project/project.resolver.js';
import { RetentionResolver } from '../modules/retention/retention.resolver.js';
import { SetTokenResolver } from '../modules/set-token/set-token.resolver.js';
import { TaskAttemptResolver, TaskResolver } from '../modules/task/task.resolver.js';
import { TeacherPoolResolver, TeacherResolver } from '../modules/teacher-pool/teacher-pool.resolver.js';
import { WorkerResolver } from '../modules/worker/worker.resolver.js';
import { WorkerStatusResolver } from '../modules/worker/worker-status.resolver.js';

/** Subscriptions bring their own streams; TypeGraphQL wants a bus all the same. */
const NO_BUS: PubSub = {
  publish: () => undefined,
  subscribe: () => {
    throw new Error('Every subscription has a `subscribe` function.');
  },
};

/** Services check their input themselves, with the schemas that the workers parse with. */
export async function buildTeddyhubSchema(): Promise<GraphQLSchema> {
  const schema = await buildSchema({
    resolvers: [
      NodeResolver,
      ProjectResolver,
      DatasetResolver,
      UploadResolver,
      TeacherPoolResolver,
      TeacherResolver,
      DistillationRunResolver,
      RunMutationsResolver,
      RunMetricsResolver,
      RunComparisonResolver,
      TaskResolver,
      TaskAttemptResolver,
      DistilledSetResolver,
      SetTokenResolver,
      RetentionResolver,
      LabelSetResolver,
      EvaluationResolver,
      EvaluationScoreResolver,
      AuditEventResolver,
      WorkerResolver,
      RunProgressResolver,
      WorkerStatusResolver,
      ApiKeyResolver,
    ],
    orphanedTypes: RUN_EVENT_CLASSES,
    scalarsMap: [{ type: Date, scalar: GraphQLDateTime }],
    pubSub: NO_BUS,
    validate: false,
  });
  forgetBetweenMutations(schema);
  return schema;
}

/** The mutations of an operation run one after the other: what one of them has read is not what the next one leaves. */
function forgetBetweenMutations(schema: GraphQLSchema): void {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    const { resolve = defaultFieldResolver } = field;
    field.resolve = (source, args, context: RequestContext, info) => {
      context.forget();
      return resolve(source, args, context, info);
    };
  }
}
