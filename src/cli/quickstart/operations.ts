/** The operations that the quickstart sends, with the answers it reads. */
import { z } from 'zod';

const failure = z.object({ message: z.string() }).nullable();
const progress = z.object({ fraction: z.number(), step: z.number(), totalSteps: z.number() }).nullable();
const connection = <T extends z.ZodType>(node: T) => z.object({ nodes: z.array(node) });

const started = <Name extends string>(mutation: string, object: Name) =>
  z
    .object({ [mutation]: z.object({ [object]: z.object({ id: z.string(), state: z.string() }) }) })
    .transform(
      (data) =>
        (data[mutation] as Record<string, { id: string; state: string }>)[object] as { id: string; state: string },
    );

const mutation = (name: string, input: string, object: string) => ({
  document: `mutation Quickstart($input: ${input}!) { ${name}(input: $input) { ${object} { id state } userErrors { code message field } } }`,
  answer: started(name, object),
});

export const datasetImport = mutation('datasetImport', 'DatasetImportInput', 'dataset');
export const teacherPoolTrain = mutation('teacherPoolTrain', 'TeacherPoolTrainInput', 'teacherPool');
export const distillationRunStart = mutation('distillationRunStart', 'DistillationRunStartInput', 'distillationRun');
export const distilledSetPublish = mutation('distilledSetPublish', 'DistilledSetPublishInput', 'distilledSet');
export const evaluationStart = mutation('evaluationStart', 'EvaluationStartInput', 'evaluation');

export const dataset = {
  document: `query Quickstart($id: ID!) { dataset(id: $id) {
    state failure { message } progress { fraction step totalSteps } trainCount testCount classNames skippedRecords { record reason } } }`,
  answer: z
    .object({
      dataset: z.object({
        state: z.string(),
        failure,
        progress,
        trainCount: z.number().nullable(),
        testCount: z.number().nullable(),
        classNames: z.array(z.string()),
        skippedRecords: z.array(z.object({ record: z.string(), reason: z.string() })),
      }),
    })
    .transform((data) => data.dataset),
};

export const teacherPool = {
  document: `query Quickstart($id: ID!) { teacherPool(id: $id) {
    state failure { message } progress { fraction step totalSteps } teachers(first: 100) { nodes { kind epoch accuracy } } } }`,
  answer: z
    .object({
      teacherPool: z.object({
        state: z.string(),
        failure,
        progress,
        teachers: connection(z.object({ kind: z.string(), epoch: z.number().nullable(), accuracy: z.number() })),
      }),
    })
    .transform((data) => data.teacherPool),
};

export const distillationRun = {
  document: `query Quickstart($id: ID!) { distillationRun(id: $id) { distilledSet { id } } }`,
  answer: z
    .object({ distillationRun: z.object({ distilledSet: z.object({ id: z.string() }).nullable() }) })
    .transform((data) => data.distillationRun),
};

const runEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('STATE_CHANGED'), to: z.string(), failure }),
  z.object({
    type: z.literal('TASK_PROGRESS'),
    kind: z.string(),
    step: z.number(),
    totalSteps: z.number(),
    loss: z.number().nullable(),
  }),
  z.object({ type: z.enum(['TASK_STARTED', 'TASK_SUCCEEDED', 'ATTEMPT_ENDED']) }),
]);

export const runEvents = {
  document: `subscription Quickstart($runId: ID!, $afterSequence: Int!) {
    runEvents(runId: $runId, afterSequence: $afterSequence) {
      type
      ... on RunStateChanged { to failure { message } }
      ... on RunTaskProgress { kind step totalSteps loss }
    } }`,
  answer: z.object({ runEvents: runEvent }).transform((data) => data.runEvents),
};

const spread = z.object({ mean: z.number(), deviation: z.number().nullable() });

export const evaluation = {
  document: `query Quickstart($id: ID!) { evaluation(id: $id) {
    state failure { message } progress { fraction step totalSteps }
    summary { subject labelKind seeds top1Last { mean deviation } top1Best { mean deviation } } } }`,
  answer: z
    .object({
      evaluation: z.object({
        state: z.string(),
        failure,
        progress,
        summary: z.array(
          z.object({
            subject: z.enum(['DISTILLED_SET', 'RANDOM_REAL']),
            labelKind: z.enum(['SOFT', 'HARD']),
            seeds: z.number(),
            top1Last: spread,
            top1Best: spread,
          }),
        ),
      }),
    })
    .transform((data) => data.evaluation),
};
