/**
 * The run engine: how imports, pools, runs and evaluations begin, move on, fail and are canceled. It knows Postgres and
 * the queue, and neither GraphQL, nor HTTP, nor TensorFlow.
 */

export { requestEvaluationCancel, requestImportCancel, requestPoolCancel, requestRunCancel } from './cancel.js';
export { type Claim, claimTask, failDeadTask, returnTask } from './claims.js';
export { assertOffered, assertReady, shapeOf } from './inputs.js';
export {
  completeTask,
  failAttempt,
  handBackTask,
  type Metric,
  type Progress,
  recordCheckpoint,
  reportProgress,
} from './reports.js';
export { continueRun, copyCurves } from './retry.js';
export { appendRunEvent } from './run-log.js';
export { startEvaluation, startImport, startPoolTraining, startRun } from './start.js';
export { enqueueTasks } from './tasks.js';
export { type Backend, LONG_TRANSACTION, lockRun, type Work } from './work.js';
export { beat, registerWorker } from './worker-registry.js';
