import type { RunState } from '../../domain/run-lifecycle.js';
import { STAGES, type Stage } from '../../domain/task-planning.js';

/** The kind of the tasks that a run in this state is at. Null where it has ended or waits: then it is at the first that are not done. */
export const phaseOf = (state: RunState): Stage['kind'] | null =>
  STAGES.find((stage) => stage.state === state)?.kind ?? null;
