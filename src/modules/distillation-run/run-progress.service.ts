import { setTimeout as sleep } from 'node:timers/promises';
import { isTerminal, type RunState } from '../../domain/run-lifecycle.js';
import type { Viewer } from '../../domain/viewer.js';
import { createBell } from '../../platform/bell.js';
import { isDatabaseUnavailable } from '../../platform/database/failures.js';
import type { RunEventHub } from '../../platform/events/run-event-hub.js';
import type { Log } from '../../platform/log.js';
import { notFound, requireUuid } from '../kit/node.js';
import { assertAllowed } from '../kit/permissions.js';
import { progressOf } from '../kit/progress.js';
import { abortable } from '../kit/stream.js';
import type { OwnedProgress, RunPhase, TaskRepository } from '../task/task.repository.js';
import type { DistillationRunRepository } from './distillation-run.repository.js';
import { phaseOf } from './phase.js';
import type { RunProgress } from './run-progress.type.js';

/** Two a second are enough for an eye. */
const INTERVAL_MS = 500;
/** How long what was read of a run's tasks is shared among those who look after the same event. */
const SHARED_MS = 1_000;
/** When a database that did not answer is asked again. */
const AGAIN_MS = 1_000;

/** Snapshots of how far runs are, at most two a second; but a change of state is always told, at once and in order. */
export class RunProgressService {
  private readonly shared = new Map<string, Promise<OwnedProgress[]>>();

  constructor(
    private readonly runs: DistillationRunRepository,
    private readonly tasks: TaskRepository,
    private readonly hub: RunEventHub,
    private readonly log: Log,
  ) {}

  /** Begins with how far the run is now; ends with it. Throws NOT_FOUND. */
  async follow(viewer: Viewer, globalId: string): Promise<AsyncIterableIterator<RunProgress>> {
    assertAllowed(viewer, 'object:read');
    const id = requireUuid('DistillationRun', globalId);
    const [run] = await this.runs.byIds(viewer.projectId, [id]);
    if (run === undefined) throw notFound('DistillationRun', globalId);
    const { state, eventSequence: sequence } = run;
    return abortable((signal) => this.snapshots(viewer.projectId, id, { state, sequence }, signal));
  }

  private async *snapshots(
    projectId: string,
    runId: string,
    start: { state: RunState; sequence: number },
    signal: AbortSignal,
  ): AsyncGenerator<RunProgress, void, undefined> {
    /** Not yet told; only the newest of those in which the state is the same. */
    const untold = [{ ...start, isChange: true }];
    const bell = createBell();
    const ended = new AbortController();
    const collecting = this.collect(runId, start, AbortSignal.any([signal, ended.signal]), (moment) => {
      if (!moment.isChange && untold.at(-1)?.isChange === false) untold.pop();
      untold.push(moment);
      bell.ring();
    });
    signal.addEventListener('abort', bell.ring, { once: true });
    try {
      let toldAt = Number.NEGATIVE_INFINITY;
      while (!signal.aborted) {
        bell.reset();
        const [moment] = untold;
        const wait = moment?.isChange ? 0 : toldAt + INTERVAL_MS - performance.now();
        if (moment === undefined || (wait > 0 && untold.length === 1)) {
          await bell.heard(moment && wait);
          continue;
        }
        untold.shift();
        // What a change of state has overtaken needs no telling.
        if (!moment.isChange && untold.length > 0) continue;
        toldAt = performance.now();
        const snapshot = await this.snapshot(projectId, runId, moment);
        if (snapshot === null) {
          untold.unshift(moment);
          await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
          continue;
        }
        yield snapshot;
        if (isTerminal(moment.state)) return;
      }
    } finally {
      signal.removeEventListener('abort', bell.ring);
      ended.abort();
      await collecting;
    }
  }

  private async collect(
    runId: string,
    start: { state: RunState; sequence: number },
    signal: AbortSignal,
    tell: (moment: { state: RunState; sequence: number; isChange: boolean }) => void,
  ): Promise<void> {
    let { state } = start;
    for await (const { sequence, payload } of this.hub.follow(runId, start.sequence, signal)) {
      const isChange = payload.type === 'STATE_CHANGED';
      if (isChange) state = payload.to;
      tell({ state, sequence, isChange });
    }
  }

  /** Null where the database does not answer: whoever follows a run outlives that, as with its events. */
  private async snapshot(
    projectId: string,
    runId: string,
    { state, sequence }: { state: RunState; sequence: number },
  ): Promise<RunProgress | null> {
    try {
      const groups = await this.phaseAt(projectId, { id: runId, kind: phaseOf(state) }, sequence);
      return { state, sequence, progress: progressOf(groups, state === 'SUCCEEDED') };
    } catch (error) {
      if (!isDatabaseUnavailable(error)) throw error;
      this.log.warn({ runId, reason: String(error) }, 'progress of a run could not be read');
      return null;
    }
  }

  private phaseAt(projectId: string, run: RunPhase, sequence: number): Promise<OwnedProgress[]> {
    const key = `${projectId} ${run.id} ${sequence}`;
    const known = this.shared.get(key);
    if (known) return known;
    const reading = this.tasks.progressOfRuns(projectId, [run]);
    this.shared.set(key, reading);
    // Whoever looks again is to look at the database.
    reading.catch(() => this.shared.delete(key));
    setTimeout(() => this.shared.delete(key), SHARED_MS).unref();
    return reading;
  }
}
