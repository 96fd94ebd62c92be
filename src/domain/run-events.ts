/** What a run's event log holds. Sequences start at 1 and have no gaps, until garbage collection takes the progress of a run that ended long ago. */
import { z } from 'zod';
import { RUN_STATES } from './run-lifecycle.js';

const state = z.enum(RUN_STATES);
const task = { taskId: z.uuid(), kind: z.string(), index: z.number().int() };

export const runEventPayload = z.discriminatedUnion('type', [
  /** The run moved to another state. A failed or canceled run says why. */
  z.object({
    type: z.literal('STATE_CHANGED'),
    from: state.nullable(),
    to: state,
    failure: z
      .object({ kind: z.enum(['USER', 'SYSTEM']), code: z.string(), message: z.string(), retryable: z.boolean() })
      .nullable(),
  }),
  z.object({
    type: z.literal('TASK_STARTED'),
    ...task,
    attempt: z.number().int(),
    workerId: z.uuid().nullable(),
    fromStep: z.number().int(),
  }),
  z.object({
    type: z.literal('TASK_PROGRESS'),
    ...task,
    step: z.number().int(),
    totalSteps: z.number().int(),
    loss: z.number().nullable(),
  }),
  z.object({ type: z.literal('TASK_SUCCEEDED'), ...task }),
  /** An attempt ended without a result: the task goes on in another attempt, unless a state change follows. */
  z.object({
    type: z.literal('ATTEMPT_ENDED'),
    ...task,
    attempt: z.number().int(),
    outcome: z.string(),
    reason: z.string(),
  }),
]);

export type RunEventPayload = z.infer<typeof runEventPayload>;
export const RUN_EVENT_TYPES = runEventPayload.options.map((option) => option.shape.type.value);
