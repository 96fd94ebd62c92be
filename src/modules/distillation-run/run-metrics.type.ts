import { Field, Float, Int, ObjectType } from 'type-graphql';
import { DistillationRun } from './distillation-run.type.js';

@ObjectType({ description: 'The points of a range of steps as one.', simpleResolvers: true })
export class MetricSample {
  @Field(() => Int, { description: 'The last step of the range.' })
  step!: number;

  @Field(() => Float, { description: 'Over the points of all tasks in the range.' })
  mean!: number;

  @Field(() => Float)
  min!: number;

  @Field(() => Float)
  max!: number;

  @Field(() => Int, { description: 'How many points there are in the range.' })
  points!: number;
}

@ObjectType({ simpleResolvers: true, description: 'A curve of a run, sampled down by the database.' })
export class MetricSeries {
  @Field(() => String)
  name!: string;

  @Field(() => [MetricSample], {
    description: 'By step, at most as many as asked for; ranges without points are left out.',
  })
  samples!: MetricSample[];
}

@ObjectType({ simpleResolvers: true, description: 'The curve of one run among those that are compared.' })
export class AlignedValues {
  @Field(() => DistillationRun)
  distillationRun!: DistillationRun;

  @Field(() => [Float], {
    nullable: 'items',
    description: 'Means at the steps of the comparison; null where there are no points.',
  })
  values!: (number | null)[];
}

@ObjectType({ simpleResolvers: true, description: 'The curves of several runs over the same ranges of steps.' })
export class AlignedSeries {
  @Field(() => String)
  name!: string;

  @Field(() => [Int], { description: 'The first step of every range in which any of the runs has a point.' })
  steps!: number[];

  @Field(() => [AlignedValues], { description: 'In the order of the runs.' })
  runs!: AlignedValues[];
}

@ObjectType({ description: 'One option of the runs that are compared.', simpleResolvers: true })
export class ConfigComparison {
  @Field(() => String, { description: 'Such as `config.synthesis.steps`, or `seed`.' })
  path!: string;

  @Field(() => [String], {
    nullable: 'items',
    description: 'As text, in the order of the runs; null where a run has no such option.',
  })
  values!: (string | null)[];

  @Field(() => Boolean, { description: 'Whether the runs differ in it.' })
  differs!: boolean;
}

@ObjectType({ simpleResolvers: true, description: 'Several runs side by side.' })
export class RunComparison {
  @Field(() => [DistillationRun], { description: 'In the order of the ids.' })
  runs!: DistillationRun[];
}
