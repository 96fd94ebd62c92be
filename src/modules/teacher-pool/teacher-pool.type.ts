import { Field, Float, Int, ObjectType, registerEnumType } from 'type-graphql';
import { architectureConfig } from '../../domain/config/architecture.js';
import { poolConfig, teacherImport } from '../../domain/config/pool.js';
import type { Prisma } from '../../platform/database/generated/client.js';
import { PoolState, TeacherKind } from '../../platform/database/generated/enums.js';
import { Reads } from '../kit/columns.js';
import { configTypes } from '../kit/config-types.js';
import { CREATED_AT, defineList, NAME } from '../kit/connection.js';
import { Failure, failureOf } from '../kit/failure.js';
import { Architecture, Augmentation } from '../kit/network.type.js';
import { Node } from '../kit/node.js';
import { ByteSize, Digest } from '../kit/scalars.js';

registerEnumType(PoolState, {
  name: 'PoolState',
  description: 'How far a teacher pool is.',
  valuesConfig: {
    QUEUED: { description: 'Waits for a worker.' },
    TRAINING: { description: 'A worker trains the base run.' },
    READY: { description: 'All teachers are there.' },
    FAILED: { description: '`failure` says why.' },
    CANCELED: { description: 'Somebody cancelled it.' },
  },
});

registerEnumType(TeacherKind, {
  name: 'TeacherKind',
  description: 'How a teacher came about.',
  valuesConfig: {
    EARLY_EPOCH: { description: 'Checkpoint of the base run at a fractional epoch.' },
    FULLY_TRAINED: { description: 'The end of the base run.' },
    RANDOM_INIT: { description: 'Freshly initialised, its batch-norm statistics taken from the data.' },
    PRUNED: { description: 'The end of the base run, structurally pruned and shortly fine-tuned.' },
    IMPORTED: { description: "A safetensors state dict with torchvision's names." },
  },
});

const PoolSchedule = { COSINE: 'COSINE', ONE_CYCLE: 'ONE_CYCLE' } as const;
registerEnumType(PoolSchedule, {
  name: 'PoolSchedule',
  description: 'How the learning rate of a base run goes.',
  valuesConfig: {
    COSINE: { description: 'Half a cosine from the peak to 0.' },
    ONE_CYCLE: { description: 'A linear warm-up over the first 30 %, then half a cosine to next to nothing.' },
  },
});

const TeacherImport = configTypes(
  'TeacherImport',
  "A state dict to take in as a teacher: safetensors, float32, with torchvision's names.",
  teacherImport,
  {
    path: 'Absolute, or relative to the import folder of the service. Of an upload, what its owner calls the file.',
    uploadId:
      'Of `datasetUploadBegin`, once completed: instead of a path, for files that are not on the disk of the service.',
    architecture: { about: "The network that it is of. torchvision's own have the stem LARGE.", type: Architecture },
    digest: "sha256: and the file's SHA-256 in hex: another file is refused.",
  },
);

export const PoolConfig = configTypes(
  'PoolConfig',
  'A pool of weak teachers: checkpoints of base runs, pruned and random-initialised networks, and imported ones.',
  poolConfig,
  {
    architecture: { about: 'The network of the first base run.', type: Architecture },
    otherArchitectures: {
      about: 'Further base runs of the same options, each with checkpoints, pruned and random-initialised teachers.',
      type: Architecture,
    },
    epochs: 'Length of the base run in epochs; may be fractional.',
    batchSize: 'Images of a training step.',
    otherBatchSizes:
      'Further base runs of the first network, one with each of these, at a learning rate in proportion.',
    learningRate: 'Peak learning rate.',
    schedule: { about: 'How it goes from step to step.', type: PoolSchedule },
    momentum: 'Momentum of SGD.',
    weightDecay: 'L2 penalty.',
    augmentation: { about: 'Random changes of the training images.', type: Augmentation },
    checkpointEpochs: {
      about:
        'Fractional epochs at which the base run is kept, ascending, none beyond `epochs`; it ends with the last of them unless its end is kept or pruned. A run that keeps nothing is not trained. Epochs that are the same step of training, as of a small dataset, give one teacher, of the last of them. Left out: .1, .5 and the end.',
      filled: true,
    },
    fullyTrained: 'Whether the end of a base run is kept as FULLY_TRAINED.',
    prunedRatios:
      'Shares of channels, above 0 and up to 0.9, to prune from the end of a base run: a teacher each, fine-tuned.',
    fineTuneEpochs: 'Length of the fine-tuning of a pruned teacher in epochs; may be fractional.',
    randomInitTeachers: {
      about:
        'How many random-initialised teachers every base run adds to the pool. Left out: one, and none where no run is trained.',
      filled: true,
    },
    imports: { about: 'Teachers from elsewhere.', type: TeacherImport },
  },
);

@ObjectType({
  simpleResolvers: true,
  implements: Node,
  description: 'Weak models of one dataset, trained once and used by any number of runs.',
})
export class TeacherPool extends Node {
  readonly typeName = 'TeacherPool';

  @Field(() => String)
  name!: string;

  @Field(() => PoolState)
  state!: PoolState;

  @Field(() => Int, { description: 'Seed of initialisation, order and augmentation.' })
  seed!: number;

  @Field(() => Int, { description: 'Raised by every edit; an edit says which one it knows.' })
  version!: number;

  @Field(() => Date)
  createdAt!: Date;

  @Field(() => Date)
  updatedAt!: Date;

  @Field(() => Date, { nullable: true, description: 'When a deletion takes effect. Null: it was not deleted.' })
  deleteAfter!: Date | null;

  datasetId!: string;
  config!: Prisma.JsonValue;
  failureKind!: 'USER' | 'SYSTEM' | null;
  failureCode!: string | null;
  failureMessage!: string | null;
  failureRetryable!: boolean | null;

  @Reads('config')
  @Field(() => PoolConfig.output, { name: 'config', description: 'With all defaults filled in.' })
  typedConfig(): object {
    return poolConfig.parse(this.config);
  }

  @Reads('failureKind', 'failureCode', 'failureMessage', 'failureRetryable')
  @Field(() => Failure, { nullable: true })
  failure(): Failure | null {
    return failureOf(this);
  }
}

@ObjectType({ simpleResolvers: true, implements: Node, description: 'One model of a pool.' })
export class Teacher extends Node {
  readonly typeName = 'Teacher';

  @Field(() => Int, { description: 'Position in the pool.' })
  index!: number;

  @Field(() => TeacherKind)
  kind!: TeacherKind;

  @Field(() => Float, {
    nullable: true,
    description: 'Epoch of the base run at which it was kept. Null for other kinds.',
  })
  epoch!: number | null;

  @Field(() => Float, { description: 'Top-1 on the test split, percent.' })
  accuracy!: number;

  @Field(() => Digest, { description: 'Of the checkpoint, a safetensors state dict.' })
  checkpointDigest!: string;

  @Field(() => ByteSize)
  checkpointBytes!: bigint;

  @Field(() => String, {
    description: 'Path of the checkpoint on this service, to be fetched with a key: a state dict for PyTorch.',
  })
  checkpointUrl(): string {
    return `/v1/teachers/${this.id}/checkpoint.safetensors`;
  }

  @Field(() => Date)
  createdAt!: Date;

  poolId!: string;
  architecture!: Prisma.JsonValue;

  @Field(() => Architecture.output, { name: 'architecture' })
  typedArchitecture(): object {
    return architectureConfig.parse(this.architecture);
  }
}

@ObjectType({ simpleResolvers: true, description: 'A base run at one of the epochs at which it was kept.' })
export class EpochAccuracy {
  @Field(() => Float)
  epoch!: number;

  @Field(() => Float, { description: 'Top-1 on the test split, percent.' })
  accuracy!: number;

  @Field(() => Teacher)
  teacher!: Teacher;
}

@ObjectType({ simpleResolvers: true, description: 'How the accuracy of one base run grew.' })
export class AccuracyCurve {
  @Field(() => Architecture.output, { description: 'Of the base run.' })
  architecture!: object;

  @Field(() => Int, { description: 'Of the base run.' })
  batchSize!: number;

  @Field(() => [EpochAccuracy], { description: 'By epoch.' })
  points!: EpochAccuracy[];
}

export const TeacherPools = defineList(TeacherPool, { table: 'TeacherPool', sorts: { CREATED_AT, NAME } });
export const Teachers = defineList(Teacher, {
  table: 'Teacher',
  sorts: {
    CREATED_AT,
    INDEX: { column: 'index', type: 'int4', description: 'Position in the pool.' },
    ACCURACY: { column: 'accuracy', type: 'float8', description: 'Top-1 on the test split.' },
  },
});
