import { Field, Float, Int, ObjectType, registerEnumType } from 'type-graphql';
import { evaluationConfig, recipeConfig } from '../../domain/config/evaluation.js';
import type { Prisma } from '../../platform/database/generated/client.js';
import { EvaluationState, EvaluationSubject, LabelKind } from '../../platform/database/generated/enums.js';
import { configTypes } from '../kit/config-types.js';
import { CREATED_AT, defineList, listComplexity } from '../kit/connection.js';
import { Failure, failureOf } from '../kit/failure.js';
import { Architecture } from '../kit/network.type.js';
import { Node } from '../kit/node.js';
import { Digest } from '../kit/scalars.js';

registerEnumType(EvaluationState, {
  name: 'EvaluationState',
  description: 'How far an evaluation is.',
  valuesConfig: {
    QUEUED: { description: 'Waits for a worker.' },
    RUNNING: { description: 'Workers train its students.' },
    SUCCEEDED: { description: 'All results are there.' },
    FAILED: { description: '`failure` says why.' },
    CANCELED: { description: 'Somebody cancelled it.' },
  },
});

registerEnumType(EvaluationSubject, {
  name: 'EvaluationSubject',
  description: 'What a student was trained on.',
  valuesConfig: {
    DISTILLED_SET: { description: 'The set itself.' },
    RANDOM_REAL: { description: 'As many random real images, labelled and trained on under the same recipe.' },
    REAL_CROPS: {
      description: 'As many crops of real images, those of the lowest loss under the best labelling teacher.',
    },
    FULL_REAL: { description: 'The whole training split with hard labels, under the same recipe.' },
  },
});

registerEnumType(LabelKind, {
  name: 'LabelKind',
  description: 'What a student was shown as the truth.',
  valuesConfig: {
    SOFT: { description: "The teachers' logits of every view." },
    HARD: { description: 'The class alone.' },
    SOFT_PLAIN: { description: "The teachers' logits of whole images, under no augmentation." },
    STATIC: { description: "One vector a sample, the teachers' mean over views of it, for whatever crop is seen." },
  },
});

const Optimizer = { ADAMW: 'ADAMW', SGD: 'SGD' } as const;
registerEnumType(Optimizer, {
  name: 'Optimizer',
  description: 'How weights are updated.',
  valuesConfig: {
    ADAMW: { description: 'Adam (.9, .999) with decoupled weight decay of kernels and matrices.' },
    SGD: {
      description:
        'Stochastic gradient descent with momentum .9; weight decay is part of the gradient, of all parameters.',
    },
  },
});

const Schedule = { COSINE: 'COSINE', HALF_COSINE: 'HALF_COSINE', CONSTANT: 'CONSTANT' } as const;
registerEnumType(Schedule, {
  name: 'LearningRateSchedule',
  description: 'How the learning rate changes over the steps.',
  valuesConfig: {
    COSINE: { description: 'Falls to zero along a half cosine.' },
    HALF_COSINE: { description: 'Falls along the first half of that, and ends at half the rate.' },
    CONSTANT: { description: 'Stays as it is.' },
  },
});

const SoftLoss = { KL: 'KL', MSE_CE: 'MSE_CE' } as const;
registerEnumType(SoftLoss, {
  name: 'SoftLoss',
  description: 'What a student descends with soft labels.',
  valuesConfig: {
    KL: { description: 'KL divergence at a temperature.' },
    MSE_CE: { description: 'Mean squared error of the logits, plus a weighted cross-entropy of the hard labels.' },
  },
});

const Baseline = { RANDOM_REAL: 'RANDOM_REAL', REAL_CROPS: 'REAL_CROPS', FULL_REAL: 'FULL_REAL' } as const;
registerEnumType(Baseline, {
  name: 'Baseline',
  description: 'What a set is measured against.',
  valuesConfig: {
    RANDOM_REAL: { description: 'As many random real images, drawn anew for every seed.' },
    REAL_CROPS: {
      description: 'As many crops of real images of low loss, out of candidates drawn anew for every seed.',
    },
    FULL_REAL: {
      description:
        'The whole training split, with hard labels alone: what hard labels can reach. HLR and LRS hold the set with HARD labels against it.',
    },
  },
});

const Recipe = configTypes('Recipe', 'How a student is trained, on whatever set.', recipeConfig, {
  architecture: {
    about: "The network of the student. Left out: that of the best of the set's labelling teachers.",
    type: Architecture,
  },
  steps: { about: "Training steps. Left out: those that the set's labels are made for.", filled: true },
  batchSize: { about: "Images of a step. Left out: as many as the set's labels are made for.", filled: true },
  optimizer: { about: 'How weights are updated.', type: Optimizer },
  learningRate: {
    about:
      'Learning rate at the first step. Left out, under ADAMW: .01 for a CONVNET of a width up to 32, .003 for a wider one, .004 for MobileNetV2, ShuffleNetV2 and EfficientNet-B0, .001 for all others. SGD has to be given one.',
    filled: true,
  },
  weightDecay: { about: 'Weight decay. Left out: .01 with AdamW, .0005 with SGD.', filled: true },
  schedule: { about: 'How the learning rate changes.', type: Schedule },
  loss: { about: 'What a student descends with soft labels.', type: SoftLoss },
  hardLabelWeight: 'Weight of the cross-entropy in MSE_CE.',
  temperature: 'Of the softmax in the KL divergence to soft labels.',
  scaleByTemperatureSquared: 'Whether the soft loss is multiplied by the square of the temperature.',
  averageDecay:
    'Decay of the moving average of weights that is measured; 0 measures the weights themselves. After n steps it is at most (1 + n) / (10 + n), so that a short training does not measure its first weights.',
  accuracyReadings: 'How many times the test accuracy is read, evenly spaced over the steps.',
  checkpointEvery: 'Steps between two checkpoints of student and optimizer.',
});

export const EvaluationConfig = configTypes(
  'EvaluationConfig',
  'One recipe, several seeds, a set and its baselines.',
  evaluationConfig,
  {
    recipe: { about: 'How students are trained.', type: Recipe },
    seeds: 'One student a seed, subject and kind of label.',
    baselines: { about: 'What the set is measured against.', type: Baseline },
    labelKinds: { about: 'What students are shown as the truth.', type: LabelKind },
  },
);

@ObjectType({ simpleResolvers: true, description: 'The accuracy of a student on its way, percent.' })
export class AccuracyReading {
  @Field(() => Int, { description: 'Steps that the student has taken.' })
  step!: number;

  @Field(() => Float)
  top1!: number;

  @Field(() => Float)
  top5!: number;
}

@ObjectType({ simpleResolvers: true, description: 'One trained student. Accuracies are on the test split, percent.' })
export class EvaluationResult {
  @Field(() => EvaluationSubject)
  subject!: EvaluationSubject;

  @Field(() => LabelKind)
  labelKind!: LabelKind;

  @Field(() => Int)
  seed!: number;

  @Field(() => Float, { description: 'Top-1 after the last step.' })
  top1Last!: number;

  @Field(() => Float, { description: 'Largest top-1 of all readings.' })
  top1Best!: number;

  @Field(() => Float, { description: 'Top-5 after the last step.' })
  top5Last!: number;

  @Field(() => Float, { description: 'Largest top-5 of all readings.' })
  top5Best!: number;

  @Field(() => Int)
  studentSteps!: number;

  @Field(() => Float, {
    description: "Time of the student's steps, seconds: without labels and readings of its accuracy.",
  })
  seconds!: number;

  @Field(() => [AccuracyReading], {
    complexity: listComplexity(10),
    description: "The student's curve: `accuracyReadings` of the recipe, by step, the last of them at the end.",
  })
  readings!: Prisma.JsonValue;
}

@ObjectType({ simpleResolvers: true, description: 'A mean over seeds with its spread, percent.' })
export class Spread {
  @Field(() => Float)
  mean!: number;

  @Field(() => Float, { nullable: true, description: 'Sample standard deviation; null for a single seed.' })
  deviation!: number | null;
}

@ObjectType({ simpleResolvers: true, description: 'All seeds of one subject and kind of label.' })
export class EvaluationSummary {
  @Field(() => EvaluationSubject)
  subject!: EvaluationSubject;

  @Field(() => LabelKind)
  labelKind!: LabelKind;

  @Field(() => Int, { description: 'How many seeds are in.' })
  seeds!: number;

  @Field(() => Spread)
  top1Last!: Spread;

  @Field(() => Spread)
  top1Best!: Spread;

  @Field(() => Spread)
  top5Last!: Spread;

  @Field(() => Spread)
  top5Best!: Spread;
}

@ObjectType({ simpleResolvers: true, description: 'A difference of two means over seeds, percentage points.' })
export class Difference {
  @Field(() => Float, { description: 'The set minus the baseline: positive where the set is better.' })
  mean!: number;

  @Field(() => Float, {
    nullable: true,
    description: "Standard error of the difference (Welch's); null for single seeds.",
  })
  standardError!: number | null;
}

@ObjectType({ simpleResolvers: true, description: 'The set against a baseline, under the very same recipe.' })
export class EvaluationComparison {
  @Field(() => EvaluationSubject)
  baseline!: EvaluationSubject;

  @Field(() => LabelKind)
  labelKind!: LabelKind;

  @Field(() => Difference)
  top1Last!: Difference;

  @Field(() => Difference)
  top1Best!: Difference;

  @Field(() => Difference)
  top5Last!: Difference;

  @Field(() => Difference)
  top5Best!: Difference;
}

@ObjectType({
  simpleResolvers: true,
  description: "DD-Ranking's measures, from accuracies as fractions; null where a part was not measured.",
})
export class Ranking {
  @Field(() => Float, {
    nullable: true,
    description:
      'Hard label recovery: the baseline FULL_REAL minus the set, both with hard labels. Smaller is better. FULL_REAL takes the steps of the recipe, where DD-Ranking trains to the end: compare sets under one recipe.',
  })
  hlr!: number | null;

  @Field(() => Float, {
    nullable: true,
    description: 'Improvement over random: the set minus the baseline RANDOM_REAL, both with soft labels.',
  })
  ior!: number | null;

  @Field(() => Float, { nullable: true, description: 'Label robust score, 0 to 1, of the two at equal weights.' })
  lrs!: number | null;

  @Field(() => Float, {
    nullable: true,
    description:
      'Augmentation robust score, 0 to 1: the set minus RANDOM_REAL with soft labels, with and without augmentation (SOFT_PLAIN) at equal weights.',
  })
  ars!: number | null;
}

@ObjectType({
  simpleResolvers: true,
  implements: Node,
  description: 'Students trained on a set and on its baselines under one recipe.',
})
export class Evaluation extends Node {
  readonly typeName = 'Evaluation';

  @Field(() => EvaluationState)
  state!: EvaluationState;

  @Field(() => Digest, { description: 'Of the set that was evaluated: results speak of content, not of a name.' })
  setDigest!: string;

  @Field(() => Date)
  createdAt!: Date;

  @Field(() => Date)
  updatedAt!: Date;

  @Field(() => Date, { nullable: true })
  finishedAt!: Date | null;

  distilledSetId!: string;
  config!: Prisma.JsonValue;
  failureKind!: 'USER' | 'SYSTEM' | null;
  failureCode!: string | null;
  failureMessage!: string | null;
  failureRetryable!: boolean | null;

  @Field(() => EvaluationConfig.output, { name: 'config', description: 'With all defaults filled in.' })
  typedConfig(): object {
    return evaluationConfig.parse(this.config);
  }

  @Field(() => Failure, { nullable: true })
  failure(): Failure | null {
    return failureOf(this);
  }
}

export const Evaluations = defineList(Evaluation, { table: 'Evaluation', sorts: { CREATED_AT } });
