/**
 * Who may have what: every field of the schema and every route of the data plane. A field or a route that is not in here fails
 * the test, so that whoever adds one decides it.
 */
export const ROLES_OF = {
  /** Whoever has a key of the project. */
  ANY: ['ADMIN', 'OPERATOR', 'VIEWER', 'WORKER'],
  READ: ['ADMIN', 'OPERATOR', 'VIEWER'],
  OPERATE: ['ADMIN', 'OPERATOR'],
  ADMIN: ['ADMIN'],
} as const;

export type Rule = keyof typeof ROLES_OF;

const CONNECTION = 'edges nodes pageInfo totalCount';
const EDGE = 'cursor node';
const DONE = 'clientMutationId userErrors';
const EVENT = 'createdAt sequence type';
const TASK_EVENT = `${EVENT} index kind taskId`;

/** By type: its fields, by who may have them. */
export const FIELDS: Record<string, Partial<Record<Rule, string>>> = {
  Query: {
    ANY: 'rateLimit viewer',
    READ: `compareRuns dataset datasets devices distillationRun distillationRuns
      distilledSet distilledSets evaluation evaluations node nodes
      queue storage tasks teacherPool teacherPools worker
      workers`,
    OPERATE: 'auditEvents',
    ADMIN: 'apiKey apiKeys',
  },
  Mutation: {
    OPERATE: `datasetArchive datasetImport datasetImportCancel datasetRestore datasetUpdate datasetUploadBegin datasetUploadComplete datasetUploadResume
      distillationRunCancel distillationRunClone distillationRunRetry distillationRunStart distillationRunUpdate distillationRunsArchive
      distillationRunsCancel distillationRunsLabel distillationRunsUnarchive distilledSetPublish distilledSetRestore
      distilledSetTokenCreate distilledSetTokenRevoke distilledSetsArchive evaluationCancel evaluationStart teacherPoolCancel
      teacherPoolRestore teacherPoolTrain teacherPoolUpdate`,
    ADMIN: `apiKeyCreate apiKeyRevoke apiKeyRotate datasetDelete distillationRunsDelete distilledSetDelete
      teacherPoolDelete`,
  },
  Subscription: { READ: 'runEvents runProgress workerStatus' },

  RateLimit: { ANY: 'cost limit remaining resetAt' },
  Viewer: { ANY: 'keyPrefix project projectName role' },
  ApiKey: { ADMIN: 'createdAt expiresAt id lastUsedAt name prefix revokedAt role state successor' },
  Project: { READ: 'createdAt id name' },
  AuditEvent: { OPERATE: 'action actor createdAt details id requestId subjectId subjectType' },
  AuditEventConnection: { OPERATE: CONNECTION },
  AuditEventEdge: { OPERATE: EDGE },
  AuditDetail: { OPERATE: 'path value' },
  ApiKeyConnection: { ADMIN: CONNECTION },
  ApiKeyEdge: { ADMIN: EDGE },
  ApiKeyCreatePayload: { ADMIN: `${DONE} apiKey secret` },
  ApiKeyRotatePayload: { ADMIN: `${DONE} apiKey secret` },
  ApiKeyRevokePayload: { ADMIN: `${DONE} apiKey` },

  Dataset: {
    READ: `archivedAt channelMean channelStd classNames classOrder contentDigest createdAt deleteAfter distillationRuns duplicateCount
      duplicates failure id imageShape layout licence name preparation progress skippedCount skippedRecords sourceKind state
      teacherPools testCount trainCount trainPerClass updatedAt version`,
  },
  DatasetConnection: { READ: CONNECTION },
  DatasetEdge: { READ: EDGE },
  DatasetUpdatePayload: { OPERATE: `${DONE} dataset` },
  DatasetImportPayload: { OPERATE: `${DONE} dataset` },
  DatasetImportCancelPayload: { OPERATE: `${DONE} dataset` },
  DatasetUpload: { OPERATE: 'id partBytes parts' },
  DatasetUploadPayload: { OPERATE: `${DONE} upload` },
  UploadPart: { OPERATE: 'number tag url' },
  DuplicateImage: { READ: 'acrossClasses acrossSplits record sameAs split' },
  ImagePreparation: { READ: 'channels fit height width' },
  ImageShape: { READ: 'channels height width' },
  SkippedRecord: { READ: 'reason record split' },

  TeacherPool: {
    READ: `accuracyByEpoch config createdAt dataset deleteAfter distillationRuns failure id name progress seed state teachers updatedAt
      version`,
  },
  TeacherPoolConnection: { READ: CONNECTION },
  TeacherPoolEdge: { READ: EDGE },
  TeacherPoolCancelPayload: { OPERATE: `${DONE} teacherPool` },
  TeacherPoolUpdatePayload: { OPERATE: `${DONE} teacherPool` },
  AccuracyCurve: { READ: 'architecture batchSize points' },
  EpochAccuracy: { READ: 'accuracy epoch teacher' },
  TeacherPoolTrainPayload: { OPERATE: `${DONE} teacherPool` },
  Teacher: {
    READ: 'accuracy architecture checkpointBytes checkpointDigest checkpointUrl createdAt epoch id index kind pool',
  },
  TeacherConnection: { READ: CONNECTION },
  TeacherEdge: { READ: EDGE },
  TeacherImport: { READ: 'architecture digest path uploadId' },
  ArchitectureWeight: { READ: 'name weight' },
  TeacherSelection: { READ: 'kinds maxAccuracy minAccuracy' },
  PoolConfig: {
    READ: `architecture augmentation batchSize checkpointEpochs epochs fineTuneEpochs fullyTrained imports learningRate momentum
      otherArchitectures otherBatchSizes prunedRatios randomInitTeachers schedule weightDecay`,
  },
  Architecture: { READ: 'depth name stem width' },
  Augmentation: { READ: 'flip shift' },

  DistillationRun: {
    READ: `archivedAt bestEvaluation config createdAt dataset deleteAfter derivedRuns distilledSet eventSequence events failure finishedAt
      id labels method metricNames metricSeries name notes origin progress seed startedAt state tasks teacherPool updatedAt
      version`,
  },
  DistillationRunConnection: { READ: CONNECTION },
  DistillationRunEdge: { READ: EDGE },
  DistillationRunStartPayload: { OPERATE: `${DONE} distillationRun` },
  DistillationRunClonePayload: { OPERATE: `${DONE} distillationRun` },
  DistillationRunRetryPayload: { OPERATE: `${DONE} distillationRun` },
  DistillationRunUpdatePayload: { OPERATE: `${DONE} distillationRun` },
  DistillationRunsPayload: { OPERATE: `${DONE} results` },
  DistillationRunResult: { OPERATE: 'distillationRun id userErrors' },
  RunOrigin: { READ: 'distillationRun kind' },
  MetricSeries: { READ: 'name samples' },
  MetricSample: { READ: 'max mean min points step' },
  RunComparison: { READ: 'config metricNames metrics runs' },
  ConfigComparison: { READ: 'differs path values' },
  AlignedSeries: { READ: 'name runs steps' },
  AlignedValues: { READ: 'distillationRun values' },
  EvaluationScore: { READ: 'evaluation labelKind seeds top1Last' },
  DistillationRunCancelPayload: { OPERATE: `${DONE} distillationRun` },
  RunConfig: { READ: 'labels synthesis teachers' },
  SynthesisConfig: {
    READ: `architectureWeights augmentation checkpointEvery classMeanWeight cropScaleMin crossEntropyWeight firstLayerWeight formation imagesPerClass
      imagesPerClassPerTask classesPerTask init learningRate momentsMemory momentsWeight rounds steps teacherOrder teachersPerStep`,
  },
  LabelConfig: {
    READ: 'cropScaleMin ensembleSize fkdBatchSize fkdSteps flip keptShare mix staticViews topK weighting',
  },
  RunProgress: { READ: 'progress sequence state' },
  RunStateChanged: { READ: `${EVENT} failure from to` },
  RunTaskStarted: { READ: `${TASK_EVENT} attempt fromStep workerId` },
  RunTaskProgress: { READ: `${TASK_EVENT} loss step totalSteps` },
  RunTaskSucceeded: { READ: TASK_EVENT },
  RunAttemptEnded: { READ: `${TASK_EVENT} attempt outcome reason` },

  Task: {
    READ: 'attemptHistory attempts createdAt distillationRun failure finishedAt id index kind maxAttempts progress startedAt state worker',
  },
  TaskAttempt: { READ: 'endedAt number outcome reason refusedWrites startedAt worker' },
  QueueStatus: { READ: 'kinds queued running' },
  QueueDepth: { READ: 'kind queued running waitingSince' },
  Device: { READ: 'busy device hostname memoryBytes workers' },
  TaskConnection: { READ: CONNECTION },
  TaskEdge: { READ: EDGE },
  Worker: {
    READ: `alive createdAt currentTask device deviceMemoryBytes heartbeatAt hostname id name startedAt state
      tensorflowVersion`,
  },
  WorkerConnection: { READ: CONNECTION },
  WorkerEdge: { READ: EDGE },

  DistilledSet: {
    READ: `archivedAt createdAt deleteAfter digest distillationRun evaluations id imagesPerClass labelSets lineage manifestDigest manifestUrl name
      publishedAt sampleCount shards state tokens uuid`,
  },
  DistilledSetConnection: { READ: CONNECTION },
  DistilledSetEdge: { READ: EDGE },
  DistilledSetToken: { READ: 'createdAt expiresAt id name prefix revokedAt' },
  DistilledSetTokenConnection: { READ: CONNECTION },
  DistilledSetTokenEdge: { READ: EDGE },
  DistilledSetTokenCreatePayload: { OPERATE: `${DONE} secret token` },
  DistilledSetTokenRevokePayload: { OPERATE: `${DONE} token` },
  DistilledSetRetentionPayload: { OPERATE: `${DONE} distilledSet` },
  TeacherPoolRetentionPayload: { OPERATE: `${DONE} teacherPool` },
  DatasetRetentionPayload: { OPERATE: `${DONE} dataset` },
  StorageUse: { READ: 'bytes kind objects' },
  DistilledSetPublishPayload: { OPERATE: `${DONE} distilledSet` },
  DistilledSetsArchivePayload: { OPERATE: `${DONE} results` },
  DistilledSetResult: { OPERATE: 'distilledSet id userErrors' },
  Lineage: { READ: 'dataset distillationRun labelTeachers matchedTeachers teacherPool' },
  DistilledShard: { READ: 'bytes digest id index name samples' },
  DistilledShardConnection: { READ: CONNECTION },
  DistilledShardEdge: { READ: EDGE },
  LabelSet: { READ: 'config files id mode' },
  LabelFile: { READ: 'bytes digest id index name' },
  LabelFileConnection: { READ: CONNECTION },
  LabelFileEdge: { READ: EDGE },

  Evaluation: {
    READ: `comparisons config createdAt distilledSet failure finishedAt id progress ranking results setDigest state summary
      updatedAt`,
  },
  EvaluationConnection: { READ: CONNECTION },
  EvaluationEdge: { READ: EDGE },
  EvaluationCancelPayload: { OPERATE: `${DONE} evaluation` },
  EvaluationStartPayload: { OPERATE: `${DONE} evaluation` },
  EvaluationConfig: { READ: 'baselines labelKinds recipe seeds' },
  EvaluationResult: {
    READ: 'labelKind readings seconds seed studentSteps subject top1Best top1Last top5Best top5Last',
  },
  AccuracyReading: { READ: 'step top1 top5' },
  EvaluationSummary: { READ: 'labelKind seeds subject top1Best top1Last top5Best top5Last' },
  EvaluationComparison: { READ: 'baseline labelKind top1Best top1Last top5Best top5Last' },
  Ranking: { READ: 'ars hlr ior lrs' },
  Difference: { READ: 'mean standardError' },
  Spread: { READ: 'deviation mean' },
  Recipe: {
    READ: `accuracyReadings architecture averageDecay batchSize checkpointEvery hardLabelWeight learningRate loss optimizer
      scaleByTemperatureSquared schedule steps temperature weightDecay`,
  },

  Failure: { READ: 'code kind message retryable' },
  Progress: { READ: 'fraction step totalSteps updatedAt' },
  PageInfo: { READ: 'endCursor hasNextPage hasPreviousPage startCursor' },
  UserError: { OPERATE: 'code field message' },
};

/** Arguments that cannot be made up from their types. */
export const ARGUMENTS: Record<string, Record<string, unknown>> = {
  'DistillationRun.metricSeries': { name: 'loss' },
  'RunComparison.metrics': { name: 'loss' },
};

/** What the ids are of that a field asks for, where neither their names nor its type says it. */
export const ABOUT: Record<string, string> = { 'Query.compareRuns': 'DistillationRun' };

/** The field by which a type is reached, where the nearest one holds nothing in the seeded world, or is for fewer roles. */
export const REACHED_BY: Record<string, string> = {
  Failure: 'Evaluation.failure',
  UserError: 'DatasetImportPayload.userErrors',
  DistilledSetRetentionPayload: 'Mutation.distilledSetRestore',
  TeacherPoolRetentionPayload: 'Mutation.teacherPoolRestore',
};

/** Of the HTTP server beside GraphQL: PUBLIC needs no key. `:id` is a published set, `:name` one of its files. */
export const ROUTES: Record<string, Rule | 'PUBLIC'> = {
  '/': 'PUBLIC',
  '/livez': 'PUBLIC',
  '/readyz': 'PUBLIC',
  '/v1/distilled-sets/:id/manifest.json': 'ANY',
  '/v1/distilled-sets/:id/croissant.json': 'ANY',
  '/v1/distilled-sets/:id/wids.json': 'ANY',
  '/v1/teachers/:id/checkpoint.safetensors': 'READ',
  '/v1/distilled-sets/:id/shards/:name': 'ANY',
  '/v1/distilled-sets/:id/labels/:name': 'ANY',
  '/v1/distilled-sets/:id/exports/:name': 'ANY',
  '/v1/uploads/:id/parts/:number': 'OPERATE',
};
