import { Field, ObjectType } from 'type-graphql';
import { RunOriginKind } from '../../platform/database/generated/enums.js';
import { DistillationRun } from './distillation-run.type.js';

@ObjectType({ simpleResolvers: true, description: 'Where a run comes from.' })
export class RunOrigin {
  @Field(() => RunOriginKind)
  kind!: RunOriginKind;

  @Field(() => DistillationRun)
  distillationRun!: DistillationRun;
}
