import { runConfig } from '../../domain/config/run.js';
import { TeddyhubError } from '../../domain/errors.js';
import { isTerminal } from '../../domain/run-lifecycle.js';
import type { Viewer } from '../../domain/viewer.js';
import type { DistillationRun as DistillationRunRow } from '../../platform/database/generated/client.js';
import type { RunEventHub } from '../../platform/events/run-event-hub.js';
import type { StoredRunEvent } from '../../platform/events/stored-event.js';
import type { Log } from '../../platform/log.js';
import { type Backend, continueRun, copyCurves, lockRun, startRun } from '../../platform/orchestration/index.js';
import { untimed } from '../../platform/telemetry/request-trace.js';
import type { Reader } from '../context.js';
import type { Connection } from '../kit/connection.js';
import { createOnce } from '../kit/create.js';
import { parseInput, plain, requireLabels, requireName, requireSeed } from '../kit/input.js';
import { type Caller } from '../kit/mutation.js';
import { notFound, requireUuid, toGlobalId } from '../kit/node.js';
import { type PageArguments } from '../kit/paging.js';
import { assertAllowed } from '../kit/permissions.js';
import { abortable, nothing } from '../kit/stream.js';
import type {
  DistillationRunCloneInput,
  DistillationRunRetryInput,
  DistillationRunStartInput,
} from './distillation-run.input.js';
import type { DistillationRunRepository } from './distillation-run.repository.js';
import type { DistillationRun } from './distillation-run.type.js';
import type { DistillationRunFilter } from './run-filter.input.js';
import { createRun, type RunPlan } from './run-plan.js';

export class DistillationRunService {
  constructor(
    private readonly backend: Backend,
    private readonly runs: DistillationRunRepository,
    private readonly hub: RunEventHub,
    private readonly log: Log,
  ) {}

  list(
    { viewer, columns }: Reader,
    filter: DistillationRunFilter | null,
    page: PageArguments,
  ): Promise<Connection<DistillationRun>> {
    assertAllowed(viewer, 'object:read');
    return this.runs.list(viewer.projectId, filter, page, columns);
  }

  /** Plans a run and offers its first tasks. Returns its UUID. */
  async start(caller: Caller, input: DistillationRunStartInput): Promise<string> {
    assertAllowed(caller.viewer, 'distillationRun:start');
    const { datasetId, teacherPoolId } = input;
    const plan: RunPlan = {
      name: requireName(input.name),
      datasetId,
      teacherPoolId,
      config: parseInput(runConfig, input.config, ['config']),
      seed: requireSeed(input.seed),
      labels: requireLabels(input.labels ?? [], ['labels']),
    };
    const command = {
      operation: 'distillationRunStart',
      subjectType: 'DistillationRun',
      isLong: true,
      idempotencyKey: input.idempotencyKey,
      request: { ...plan },
      asked: plain({ ...input, idempotencyKey: null, clientMutationId: null }),
    } as const;
    return createOnce(this.backend, caller, command, async (work, id) => {
      await createRun(work.tx, caller.viewer.projectId, id, plan);
      await startRun(work, id);
    });
  }

  /** Starts a run with the content of another one, but for some changes. Returns the UUID of the new one. */
  async clone(caller: Caller, input: DistillationRunCloneInput): Promise<string> {
    assertAllowed(caller.viewer, 'distillationRun:start');
    const source = await this.require(caller.viewer, input.id, ['id']);
    const path = ['changes'];
    const { name, datasetId, teacherPoolId, config, seed, labels } = input.changes ?? {};
    const plan: RunPlan = {
      name: requireName(name ?? source.name, [...path, 'name']),
      datasetId: datasetId ?? toGlobalId('Dataset', source.datasetId),
      teacherPoolId: teacherPoolId ?? toGlobalId('TeacherPool', source.poolId),
      config: parseInput(runConfig, merge(source.config, plain(config)), [...path, 'config']),
      seed: requireSeed(seed ?? source.seed, [...path, 'seed']),
      labels: requireLabels(labels ?? source.labels, [...path, 'labels']),
    };
    const command = {
      operation: 'distillationRunClone',
      subjectType: 'DistillationRun',
      isLong: true,
      idempotencyKey: input.idempotencyKey,
      // What was asked for, and not what it comes to: the run that is cloned may be renamed before a repetition.
      request: { id: input.id, changes: plain(input.changes) ?? null },
    } as const;
    return createOnce(this.backend, caller, command, async (work, id) => {
      const origin = { originRunId: source.id, originKind: 'CLONE' } as const;
      await createRun(work.tx, caller.viewer.projectId, id, plan, path, origin);
      await startRun(work, id);
    });
  }

  /** Starts a run that goes on from what a failed or canceled one had done. Returns the UUID of the new one. */
  async retry(caller: Caller, input: DistillationRunRetryInput): Promise<string> {
    assertAllowed(caller.viewer, 'distillationRun:start');
    const field = ['id'];
    const { id: originRunId } = await this.require(caller.viewer, input.id, field);
    const command = {
      operation: 'distillationRunRetry',
      subjectType: 'DistillationRun',
      isLong: true,
      idempotencyKey: input.idempotencyKey,
      request: { id: input.id },
    } as const;
    const runId = await createOnce(this.backend, caller, command, async (work, id) => {
      // Two retries at once would share the checkpoints.
      await lockRun(work.tx, originRunId);
      const source = await work.tx.distillationRun.findUniqueOrThrow({ where: { id: originRunId } });
      assertRetryable(source, field);
      const plan: RunPlan = {
        ...{ name: source.name, seed: source.seed, labels: source.labels, config: runConfig.parse(source.config) },
        datasetId: toGlobalId('Dataset', source.datasetId),
        teacherPoolId: toGlobalId('TeacherPool', source.poolId),
      };
      await createRun(work.tx, source.projectId, id, plan, [], { originRunId, originKind: 'RETRY' });
      await continueRun(work, originRunId, id);
    });
    // The run is there, and goes on without them: the same request sent again would copy them.
    await untimed(() => copyCurves(this.backend.database, originRunId, runId)).catch((error: unknown) =>
      this.log.error({ err: error, requestId: caller.requestId, runId }, 'curves of a retried run were not copied'),
    );
    return runId;
  }

  private async require(viewer: Viewer, globalId: string, field: readonly string[]) {
    const [run] = await this.runs.byIds(viewer.projectId, [requireUuid('DistillationRun', globalId, field)]);
    if (run === undefined) throw notFound('DistillationRun', globalId, field);
    return run;
  }

  /** The events of a run after a sequence, as they come; ends after the terminal one. Throws NOT_FOUND. */
  async follow(
    viewer: Viewer,
    globalId: string,
    afterSequence: number,
  ): Promise<AsyncIterableIterator<StoredRunEvent>> {
    assertAllowed(viewer, 'object:read');
    const id = requireUuid('DistillationRun', globalId);
    const [run] = await this.runs.byIds(viewer.projectId, [id]);
    if (run === undefined) throw notFound('DistillationRun', globalId);
    if (isTerminal(run.state) && afterSequence >= run.eventSequence) return nothing();
    return abortable((signal) => this.hub.follow(id, afterSequence, signal));
  }
}

/** Throws INVALID_STATE. */
function assertRetryable(run: DistillationRunRow, field: readonly string[]): void {
  const refuse = (why: string) => new TeddyhubError('INVALID_STATE', `Run ${run.name} ${why}`, { field });
  if (run.state !== 'FAILED' && run.state !== 'CANCELED') {
    throw refuse(`is ${run.state}: only a FAILED or CANCELED run can be retried; clone it instead.`);
  }
  if (run.failureRetryable === false) {
    throw refuse(`would fail again (${run.failureCode ?? 'INTERNAL'}): clone it with changes instead.`);
  }
}

/** `changes` over `base`, object by object; lists are replaced. */
function merge(base: unknown, changes: unknown): unknown {
  if (changes === undefined) return base;
  if (!isObject(base) || !isObject(changes)) return changes;
  const keys = new Set([...Object.keys(base), ...Object.keys(changes)]);
  return Object.fromEntries([...keys].map((key) => [key, merge(base[key], changes[key])]));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
