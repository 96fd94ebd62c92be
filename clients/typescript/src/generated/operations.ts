// Generated from schema.graphql by scripts/generate-client.mjs: do not edit.
import type { Operation } from '../operation.js';
import type * as types from './types.js';

export const ImportDataset: Operation<'mutation', types.ImportDatasetMutation, types.ImportDatasetMutationVariables> = {
  kind: 'mutation',
  name: 'ImportDataset',
  idempotent: true,
  digest: 'sha256:fbf18ef223161db2a680bdffb70fa37a1271c5f102292a6a8676b8effd7bf51a',
  text: "mutation ImportDataset($input: DatasetImportInput!) {\n  datasetImport(input: $input) {\n    dataset {\n      id\n      state\n      archivedAt\n    }\n    userErrors {\n      ...UserErrorFields\n    }\n  }\n}\n\nfragment UserErrorFields on UserError {\n  code\n  message\n  field\n}",
};

export const CancelDatasetImport: Operation<'mutation', types.CancelDatasetImportMutation, types.CancelDatasetImportMutationVariables> = {
  kind: 'mutation',
  name: 'CancelDatasetImport',
  idempotent: false,
  digest: 'sha256:b229d208baa5a98e21cc6446d04a87bacec834028725a99bfed4a9632541e195',
  text: "mutation CancelDatasetImport($input: DatasetImportCancelInput!) {\n  datasetImportCancel(input: $input) {\n    dataset {\n      id\n      name\n      state\n    }\n    userErrors {\n      ...UserErrorFields\n    }\n  }\n}\n\nfragment UserErrorFields on UserError {\n  code\n  message\n  field\n}",
};

export const Dataset: Operation<'query', types.DatasetQuery, types.DatasetQueryVariables> = {
  kind: 'query',
  name: 'Dataset',
  idempotent: false,
  digest: 'sha256:3818ce928b223c2db68aa24a33d01e6e12d2333edb7b395d6bb70c0b6f8d7b7f',
  text: "query Dataset($id: ID!) {\n  dataset(id: $id) {\n    id\n    name\n    state\n    failure {\n      ...FailureFields\n    }\n    progress {\n      ...ProgressFields\n    }\n    classNames\n    imageShape {\n      height\n      width\n      channels\n    }\n    trainCount\n    testCount\n    contentDigest\n    layout\n    classOrder\n    skippedCount\n    duplicateCount\n    duplicates {\n      split\n      record\n      sameAs\n      acrossSplits\n      acrossClasses\n    }\n    skippedRecords {\n      split\n      record\n      reason\n    }\n  }\n}\n\nfragment FailureFields on Failure {\n  kind\n  code\n  message\n  retryable\n}\n\nfragment ProgressFields on Progress {\n  step\n  totalSteps\n  fraction\n  updatedAt\n}",
};

export const Datasets: Operation<'query', types.DatasetsQuery, types.DatasetsQueryVariables> = {
  kind: 'query',
  name: 'Datasets',
  idempotent: false,
  digest: 'sha256:39e9ddb9b54e53737e67e61f55e5ce3ead945bbfec1cccd3a34fc44e19a802db',
  text: "query Datasets($first: Int!, $after: String) {\n  datasets(first: $first, after: $after) {\n    nodes {\n      id\n      name\n      state\n      trainCount\n      testCount\n      contentDigest\n      createdAt\n      archivedAt\n    }\n    pageInfo {\n      endCursor\n      hasNextPage\n    }\n  }\n}",
};

export const BeginDatasetUpload: Operation<'mutation', types.BeginDatasetUploadMutation, types.BeginDatasetUploadMutationVariables> = {
  kind: 'mutation',
  name: 'BeginDatasetUpload',
  idempotent: false,
  digest: 'sha256:cfcf3204e308aa41e4f86c0564ac95ac6ef4d79b29c5b18c880364d13126f80c',
  text: "mutation BeginDatasetUpload($input: DatasetUploadBeginInput!) {\n  datasetUploadBegin(input: $input) {\n    upload {\n      id\n      partBytes\n      parts {\n        number\n        url\n        tag\n      }\n    }\n    userErrors {\n      ...UserErrorFields\n    }\n  }\n}\n\nfragment UserErrorFields on UserError {\n  code\n  message\n  field\n}",
};

export const ResumeDatasetUpload: Operation<'mutation', types.ResumeDatasetUploadMutation, types.ResumeDatasetUploadMutationVariables> = {
  kind: 'mutation',
  name: 'ResumeDatasetUpload',
  idempotent: false,
  digest: 'sha256:cf9a06f4bc04eed9acda851bc40cada2cdac605a20830d0d7b0a51c28bf86124',
  text: "mutation ResumeDatasetUpload($input: DatasetUploadResumeInput!) {\n  datasetUploadResume(input: $input) {\n    upload {\n      id\n      partBytes\n      parts {\n        number\n        url\n        tag\n      }\n    }\n    userErrors {\n      ...UserErrorFields\n    }\n  }\n}\n\nfragment UserErrorFields on UserError {\n  code\n  message\n  field\n}",
};

export const CompleteDatasetUpload: Operation<'mutation', types.CompleteDatasetUploadMutation, types.CompleteDatasetUploadMutationVariables> = {
  kind: 'mutation',
  name: 'CompleteDatasetUpload',
  idempotent: false,
  digest: 'sha256:02e91f73fa5357d55f0cf685c29d5ede1630fac57ffc98b08c0ebe47fa5be0a0',
  text: "mutation CompleteDatasetUpload($input: DatasetUploadCompleteInput!) {\n  datasetUploadComplete(input: $input) {\n    upload {\n      id\n    }\n    userErrors {\n      ...UserErrorFields\n    }\n  }\n}\n\nfragment UserErrorFields on UserError {\n  code\n  message\n  field\n}",
};

export const StartEvaluation: Operation<'mutation', types.StartEvaluationMutation, types.StartEvaluationMutationVariables> = {
  kind: 'mutation',
  name: 'StartEvaluation',
  idempotent: true,
  digest: 'sha256:349d2a736d10cb1742e04e85c27713fd137841775a05c6c1495ded1a4094163b',
  text: "mutation StartEvaluation($input: EvaluationStartInput!) {\n  evaluationStart(input: $input) {\n    evaluation {\n      id\n      state\n    }\n    userErrors {\n      ...UserErrorFields\n    }\n  }\n}\n\nfragment UserErrorFields on UserError {\n  code\n  message\n  field\n}",
};

export const Evaluation: Operation<'query', types.EvaluationQuery, types.EvaluationQueryVariables> = {
  kind: 'query',
  name: 'Evaluation',
  idempotent: false,
  digest: 'sha256:f79e54a86112dded7ba0b1bf06819960834366178821d237280501c61356ee16',
  text: "query Evaluation($id: ID!) {\n  evaluation(id: $id) {\n    id\n    state\n    failure {\n      ...FailureFields\n    }\n    progress {\n      ...ProgressFields\n    }\n    summary {\n      subject\n      labelKind\n      seeds\n      top1Last {\n        mean\n        deviation\n      }\n      top1Best {\n        mean\n        deviation\n      }\n    }\n    comparisons {\n      baseline\n      labelKind\n      top1Last {\n        mean\n        standardError\n      }\n    }\n  }\n}\n\nfragment FailureFields on Failure {\n  kind\n  code\n  message\n  retryable\n}\n\nfragment ProgressFields on Progress {\n  step\n  totalSteps\n  fraction\n  updatedAt\n}",
};

export const Viewer: Operation<'query', types.ViewerQuery, types.ViewerQueryVariables> = {
  kind: 'query',
  name: 'Viewer',
  idempotent: false,
  digest: 'sha256:365375d9e54196dc3ce4959313fb58e524b58dc2fb59e6e293af63233799253a',
  text: "query Viewer {\n  viewer {\n    projectName\n    role\n    keyPrefix\n  }\n  rateLimit {\n    limit\n    remaining\n    resetAt\n  }\n}",
};

export const ApiKeys: Operation<'query', types.ApiKeysQuery, types.ApiKeysQueryVariables> = {
  kind: 'query',
  name: 'ApiKeys',
  idempotent: false,
  digest: 'sha256:8c53cd863dfe208743f9cd3855d9716b16152e9d9ab692128421ae8104c67d28',
  text: "query ApiKeys($first: Int!, $after: String) {\n  apiKeys(first: $first, after: $after) {\n    nodes {\n      ...ApiKeyFields\n    }\n    pageInfo {\n      endCursor\n      hasNextPage\n    }\n  }\n}\n\nfragment ApiKeyFields on ApiKey {\n  id\n  name\n  prefix\n  role\n  state\n  createdAt\n  expiresAt\n  lastUsedAt\n}",
};

export const CreateApiKey: Operation<'mutation', types.CreateApiKeyMutation, types.CreateApiKeyMutationVariables> = {
  kind: 'mutation',
  name: 'CreateApiKey',
  idempotent: true,
  digest: 'sha256:6ec5f3f15d608ca788ff49563f3d472b62fa7eedfca67299ea8a1353f8c99849',
  text: "mutation CreateApiKey($input: ApiKeyCreateInput!) {\n  apiKeyCreate(input: $input) {\n    apiKey {\n      ...ApiKeyFields\n    }\n    secret\n    userErrors {\n      ...UserErrorFields\n    }\n  }\n}\n\nfragment ApiKeyFields on ApiKey {\n  id\n  name\n  prefix\n  role\n  state\n  createdAt\n  expiresAt\n  lastUsedAt\n}\n\nfragment UserErrorFields on UserError {\n  code\n  message\n  field\n}",
};

export const RotateApiKey: Operation<'mutation', types.RotateApiKeyMutation, types.RotateApiKeyMutationVariables> = {
  kind: 'mutation',
  name: 'RotateApiKey',
  idempotent: true,
  digest: 'sha256:fdca6f36a22d05ecf7c6c62ff52c056791ba77af2b26fbda23cd97b84645e673',
  text: "mutation RotateApiKey($input: ApiKeyRotateInput!) {\n  apiKeyRotate(input: $input) {\n    apiKey {\n      ...ApiKeyFields\n    }\n    secret\n    userErrors {\n      ...UserErrorFields\n    }\n  }\n}\n\nfragment ApiKeyFields on ApiKey {\n  id\n  name\n  prefix\n  role\n  state\n  createdAt\n  expiresAt\n  lastUsedAt\n}\n\nfragment UserErrorFields on UserError {\n  code\n  message\n  field\n}",
};

export const RevokeApiKey: Operation<'mutation', types.RevokeApiKeyMutation, types.RevokeApiKeyMutationVariables> = {
  kind: 'mutation',
  name: 'RevokeApiKey',
  idempotent: false,
  digest: 'sha256:e22402503b28ca75b8c2232e9ade15d34222dc15f72897933bb6f660892fa375',
  text: "mutation RevokeApiKey($input: ApiKeyRevokeInput!) {\n  apiKeyRevoke(input: $input) {\n    apiKey {\n      ...ApiKeyFields\n    }\n    userErrors {\n      ...UserErrorFields\n    }\n  }\n}\n\nfragment ApiKeyFields on ApiKey {\n  id\n  name\n  prefix\n  role\n  state\n  createdAt\n  expiresAt\n  lastUsedAt\n}\n\nfragment UserErrorFields on UserError {\n  code\n  message\n  field\n}",
};

export const TrainTeacherPool: Operation<'mutation', types.TrainTeacherPoolMutation, types.TrainTeacherPoolMutationVariables> = {
  kind: 'mutation',
  name: 'TrainTeacherPool',
  idempotent: true,
  digest: 'sha256:98ea3dccabaed1655104ebef729c5b0e1a6bca90b0d93cbcdf072b91fcf94de0',
  text: "mutation TrainTeacherPool($input: TeacherPoolTrainInput!) {\n  teacherPoolTrain(input: $input) {\n    teacherPool {\n      id\n      state\n      deleteAfter\n    }\n    userErrors {\n      ...UserErrorFields\n    }\n  }\n}\n\nfragment UserErrorFields on UserError {\n  code\n  message\n  field\n}",
};

export const TeacherPool: Operation<'query', types.TeacherPoolQuery, types.TeacherPoolQueryVariables> = {
  kind: 'query',
  name: 'TeacherPool',
  idempotent: false,
  digest: 'sha256:961c6ede4bc3d0fd6f06cdb98d789e08cc84ca0030870246db312fd784c243a9',
  text: "query TeacherPool($id: ID!) {\n  teacherPool(id: $id) {\n    id\n    name\n    state\n    failure {\n      ...FailureFields\n    }\n    progress {\n      ...ProgressFields\n    }\n    teachers(first: 100) {\n      nodes {\n        id\n        index\n        kind\n        epoch\n        accuracy\n      }\n    }\n  }\n}\n\nfragment FailureFields on Failure {\n  kind\n  code\n  message\n  retryable\n}\n\nfragment ProgressFields on Progress {\n  step\n  totalSteps\n  fraction\n  updatedAt\n}",
};

export const StartDistillationRun: Operation<'mutation', types.StartDistillationRunMutation, types.StartDistillationRunMutationVariables> = {
  kind: 'mutation',
  name: 'StartDistillationRun',
  idempotent: true,
  digest: 'sha256:52703c82a8318fae2980104aadf84e78384969715abaf6404ac4fdd3eb926e3b',
  text: "mutation StartDistillationRun($input: DistillationRunStartInput!) {\n  distillationRunStart(input: $input) {\n    distillationRun {\n      id\n      state\n      distilledSet {\n        state\n      }\n    }\n    userErrors {\n      ...UserErrorFields\n    }\n  }\n}\n\nfragment UserErrorFields on UserError {\n  code\n  message\n  field\n}",
};

export const CancelDistillationRun: Operation<'mutation', types.CancelDistillationRunMutation, types.CancelDistillationRunMutationVariables> = {
  kind: 'mutation',
  name: 'CancelDistillationRun',
  idempotent: false,
  digest: 'sha256:99f4ca64f4ab5f6e119e48f9b60f3becb8e38f3e28f216425825a46c17b7fcfb',
  text: "mutation CancelDistillationRun($input: DistillationRunCancelInput!) {\n  distillationRunCancel(input: $input) {\n    distillationRun {\n      id\n      state\n    }\n    userErrors {\n      ...UserErrorFields\n    }\n  }\n}\n\nfragment UserErrorFields on UserError {\n  code\n  message\n  field\n}",
};

export const DistillationRun: Operation<'query', types.DistillationRunQuery, types.DistillationRunQueryVariables> = {
  kind: 'query',
  name: 'DistillationRun',
  idempotent: false,
  digest: 'sha256:05a6a29c689800afc62d01d550aa0342cb7a2ae37674822da374335254de23e1',
  text: "query DistillationRun($id: ID!) {\n  distillationRun(id: $id) {\n    ...RunFields\n    failure {\n      ...FailureFields\n    }\n    distilledSet {\n      id\n      uuid\n      state\n    }\n  }\n}\n\nfragment FailureFields on Failure {\n  kind\n  code\n  message\n  retryable\n}\n\nfragment ProgressFields on Progress {\n  step\n  totalSteps\n  fraction\n  updatedAt\n}\n\nfragment RunFields on DistillationRun {\n  id\n  name\n  state\n  createdAt\n  startedAt\n  finishedAt\n  progress {\n    ...ProgressFields\n  }\n  dataset {\n    id\n    name\n  }\n  teacherPool {\n    id\n    name\n  }\n}",
};

export const DistillationRuns: Operation<'query', types.DistillationRunsQuery, types.DistillationRunsQueryVariables> = {
  kind: 'query',
  name: 'DistillationRuns',
  idempotent: false,
  digest: 'sha256:e07583b00cd1eaba3d4094552ff41b48cc68fc61d4e1fe695b594db8502e6064',
  text: "query DistillationRuns($first: Int, $after: String, $filter: DistillationRunFilter, $orderBy: DistillationRunOrderBy) {\n  distillationRuns(\n    first: $first\n    after: $after\n    filter: $filter\n    orderBy: $orderBy\n  ) {\n    nodes {\n      ...RunFields\n    }\n    pageInfo {\n      endCursor\n      hasNextPage\n    }\n  }\n}\n\nfragment ProgressFields on Progress {\n  step\n  totalSteps\n  fraction\n  updatedAt\n}\n\nfragment RunFields on DistillationRun {\n  id\n  name\n  state\n  createdAt\n  startedAt\n  finishedAt\n  progress {\n    ...ProgressFields\n  }\n  dataset {\n    id\n    name\n  }\n  teacherPool {\n    id\n    name\n  }\n}",
};

export const RunEvents: Operation<'subscription', types.RunEventsSubscription, types.RunEventsSubscriptionVariables> = {
  kind: 'subscription',
  name: 'RunEvents',
  idempotent: false,
  digest: 'sha256:da351cfffbe27c3596d776ffae09e9dd844b81ea28a46faf01da00aa4cd68da0',
  text: "subscription RunEvents($runId: ID!, $afterSequence: Int!) {\n  runEvents(runId: $runId, afterSequence: $afterSequence) {\n    __typename\n    sequence\n    createdAt\n    ... on RunStateChanged {\n      from\n      to\n      failure {\n        ...FailureFields\n      }\n    }\n    ... on RunTaskEvent {\n      taskId\n      kind\n      index\n    }\n    ... on RunTaskStarted {\n      attempt\n      workerId\n      fromStep\n    }\n    ... on RunTaskProgress {\n      step\n      totalSteps\n      loss\n    }\n    ... on RunAttemptEnded {\n      attempt\n      outcome\n      reason\n    }\n  }\n}\n\nfragment FailureFields on Failure {\n  kind\n  code\n  message\n  retryable\n}",
};

export const RunProgress: Operation<'subscription', types.RunProgressSubscription, types.RunProgressSubscriptionVariables> = {
  kind: 'subscription',
  name: 'RunProgress',
  idempotent: false,
  digest: 'sha256:0d7eb7a2addbcd9969dc1ff18d880a6caf227c265230d63e9fb371cceb4c838e',
  text: "subscription RunProgress($runId: ID!) {\n  runProgress(runId: $runId) {\n    state\n    sequence\n    progress {\n      ...ProgressFields\n    }\n  }\n}\n\nfragment ProgressFields on Progress {\n  step\n  totalSteps\n  fraction\n  updatedAt\n}",
};

export const PublishDistilledSet: Operation<'mutation', types.PublishDistilledSetMutation, types.PublishDistilledSetMutationVariables> = {
  kind: 'mutation',
  name: 'PublishDistilledSet',
  idempotent: false,
  digest: 'sha256:94841a2b625339f6a167fecf460c4683eff65a4e242a7a0725c415dbcabc85a7',
  text: "mutation PublishDistilledSet($input: DistilledSetPublishInput!) {\n  distilledSetPublish(input: $input) {\n    distilledSet {\n      id\n      uuid\n      state\n    }\n    userErrors {\n      ...UserErrorFields\n    }\n  }\n}\n\nfragment UserErrorFields on UserError {\n  code\n  message\n  field\n}",
};

export const DistilledSet: Operation<'query', types.DistilledSetQuery, types.DistilledSetQueryVariables> = {
  kind: 'query',
  name: 'DistilledSet',
  idempotent: false,
  digest: 'sha256:126915a40e027ee8b7431ae275297bc8e69641be9efc2d7896d472c034752a01',
  text: "query DistilledSet($id: ID!) {\n  distilledSet(id: $id) {\n    id\n    uuid\n    name\n    state\n    imagesPerClass\n    sampleCount\n    digest\n    manifestUrl\n    publishedAt\n  }\n}",
};

export const DistilledSets: Operation<'query', types.DistilledSetsQuery, types.DistilledSetsQueryVariables> = {
  kind: 'query',
  name: 'DistilledSets',
  idempotent: false,
  digest: 'sha256:07ca280cd254087c52f500d88adf7e5578097c3f4c8f0169a4ad74c34b8ab4e6',
  text: "query DistilledSets($first: Int!, $after: String, $states: [DistilledSetState!]) {\n  distilledSets(first: $first, after: $after, filter: {states: $states}) {\n    nodes {\n      ...DistilledSetFields\n    }\n    pageInfo {\n      endCursor\n      hasNextPage\n    }\n  }\n}\n\nfragment DistilledSetFields on DistilledSet {\n  id\n  uuid\n  name\n  state\n  imagesPerClass\n  sampleCount\n  digest\n  createdAt\n  publishedAt\n  deleteAfter\n}",
};

export const DistilledSetDetails: Operation<'query', types.DistilledSetDetailsQuery, types.DistilledSetDetailsQueryVariables> = {
  kind: 'query',
  name: 'DistilledSetDetails',
  idempotent: false,
  digest: 'sha256:92b34343093a2c1dd0f3e66ad5e027e42e8415ebe8efc2b9341f411d3fb60601',
  text: "query DistilledSetDetails($id: ID!) {\n  distilledSet(id: $id) {\n    ...DistilledSetFields\n    manifestUrl\n    archivedAt\n    distillationRun {\n      id\n      name\n    }\n    shards(first: 100) {\n      totalCount\n      nodes {\n        name\n        bytes\n        samples\n        digest\n      }\n    }\n    labelSets {\n      mode\n      files(first: 100) {\n        totalCount\n        nodes {\n          name\n          bytes\n          digest\n        }\n      }\n    }\n    tokens(first: 100) {\n      totalCount\n      nodes {\n        prefix\n        name\n        expiresAt\n        revokedAt\n      }\n    }\n  }\n}\n\nfragment DistilledSetFields on DistilledSet {\n  id\n  uuid\n  name\n  state\n  imagesPerClass\n  sampleCount\n  digest\n  createdAt\n  publishedAt\n  deleteAfter\n}",
};

export const ShareDistilledSet: Operation<'mutation', types.ShareDistilledSetMutation, types.ShareDistilledSetMutationVariables> = {
  kind: 'mutation',
  name: 'ShareDistilledSet',
  idempotent: true,
  digest: 'sha256:eedcd683c3e737e61bed5e4b3e60711f1f6887c59022352034317f3540856ea4',
  text: "mutation ShareDistilledSet($input: DistilledSetTokenCreateInput!) {\n  distilledSetTokenCreate(input: $input) {\n    secret\n    token {\n      prefix\n      expiresAt\n    }\n    userErrors {\n      ...UserErrorFields\n    }\n  }\n}\n\nfragment UserErrorFields on UserError {\n  code\n  message\n  field\n}",
};

export const RevokeDistilledSetToken: Operation<'mutation', types.RevokeDistilledSetTokenMutation, types.RevokeDistilledSetTokenMutationVariables> = {
  kind: 'mutation',
  name: 'RevokeDistilledSetToken',
  idempotent: false,
  digest: 'sha256:14d6a1d0e8e167d867fd2e8b1ee873a6832332b92eb60b4a14c60a75c2fb1389',
  text: "mutation RevokeDistilledSetToken($input: DistilledSetTokenRevokeInput!) {\n  distilledSetTokenRevoke(input: $input) {\n    token {\n      prefix\n      revokedAt\n    }\n    userErrors {\n      ...UserErrorFields\n    }\n  }\n}\n\nfragment UserErrorFields on UserError {\n  code\n  message\n  field\n}",
};

export const Devices: Operation<'query', types.DevicesQuery, types.DevicesQueryVariables> = {
  kind: 'query',
  name: 'Devices',
  idempotent: false,
  digest: 'sha256:f640e18775f57cde9190e11be65214ace9b769b09ec3a980b39d870f5a3f72cf',
  text: "query Devices {\n  devices {\n    device\n    hostname\n    workers\n    busy\n  }\n}",
};

export const WorkerStatus: Operation<'subscription', types.WorkerStatusSubscription, types.WorkerStatusSubscriptionVariables> = {
  kind: 'subscription',
  name: 'WorkerStatus',
  idempotent: false,
  digest: 'sha256:7d69d842150f27a850712405a8fe5e0613d18a87a56b1952392938544b98e1c2',
  text: "subscription WorkerStatus {\n  workerStatus {\n    id\n    name\n    state\n    alive\n    device\n    currentTask {\n      id\n      kind\n    }\n  }\n}",
};
