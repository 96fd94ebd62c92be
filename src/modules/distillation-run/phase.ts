import type { RunState } from '../../domain/run-lifecycle.js';
import { STAGES } from '../../domain/task-planning.js';

/** The tasks of the stage that a run is in. One that has ended or waits shows the last stage that has tasks. */
export function presentPhase<T extends { kind: string }>(state: RunState, tasks: readonly T[]): T[] {
  const tasksOf = (kind: string) => tasks.filter((task) => task.kind === kind);
  const stage = STAGES.find((one) => one.state === state) ?? STAGES.findLast((one) => tasksOf(one.kind).length > 0);
  return stage ? tasksOf(stage.kind) : [];
}
