/** What people do to runs that are there: cancel, archive, label and rename them, one or many. */
import { atField, TeddyhubError } from '../../domain/errors.js';
import { isTerminal } from '../../domain/run-lifecycle.js';
import type { Transaction } from '../../platform/database/client.js';
import type { DistillationRun } from '../../platform/database/generated/client.js';
import type { Log } from '../../platform/log.js';
import { type Backend, lockRun, requestRunCancel } from '../../platform/orchestration/index.js';
import { editOnce, raised } from '../kit/edit.js';
import { inGrace, keepUnderRun } from '../kit/grace.js';
import { requireLabels, requireName, requireText } from '../kit/input.js';
import { actorOf, audit, type BulkResult, type Caller, eachOf, TRANSACTION } from '../kit/mutation.js';
import { notFound, requireUuid } from '../kit/node.js';
import { assertAllowed, type Permission } from '../kit/permissions.js';
import type {
  DistillationRunCancelInput,
  DistillationRunsInput,
  DistillationRunsLabelInput,
  DistillationRunUpdateInput,
} from './distillation-run.input.js';

type Act = (tx: Transaction, run: DistillationRun, field: readonly string[]) => Promise<Record<string, unknown> | null>;

export class RunEditService {
  constructor(
    private readonly backend: Backend,
    private readonly log: Log,
  ) {}

  /** Cancels a run; one that is canceled already stays so. Returns its UUID. Throws NOT_FOUND, INVALID_STATE. */
  cancel(caller: Caller, input: DistillationRunCancelInput): Promise<string> {
    assertAllowed(caller.viewer, 'distillationRun:cancel');
    return this.actOn(caller, 'distillationRunCancel', input.id, ['id'], this.cancelRun(caller));
  }

  cancelAll(caller: Caller, input: DistillationRunsInput): Promise<BulkResult[]> {
    return this.each(caller, 'distillationRun:cancel', 'distillationRunCancel', input, this.cancelRun(caller));
  }

  /** Takes runs that have ended out of the lists; archived ones stay so. */
  archiveAll(caller: Caller, input: DistillationRunsInput): Promise<BulkResult[]> {
    return this.each(caller, 'distillationRun:edit', 'distillationRunArchive', input, async (tx, run, field) => {
      if (run.archivedAt !== null) return null;
      if (!isTerminal(run.state)) {
        const message = `Run ${run.name} is ${run.state}: cancel it, or wait until it has ended.`;
        throw new TeddyhubError('INVALID_STATE', message, { field });
      }
      await tx.distillationRun.update({ where: { id: run.id }, data: { archivedAt: new Date() } });
      return {};
    });
  }

  /** Takes back that runs were archived or deleted, and the deletion of what they stand on. */
  unarchiveAll(caller: Caller, input: DistillationRunsInput): Promise<BulkResult[]> {
    return this.each(caller, 'distillationRun:edit', 'distillationRunUnarchive', input, async (tx, run) => {
      if (run.archivedAt === null) return null;
      await tx.distillationRun.update({ where: { id: run.id }, data: { archivedAt: null, deleteAfter: null } });
      await keepUnderRun(tx, caller, run);
      return {};
    });
  }

  /** Has archived runs removed after a while, where no set stands on them. */
  deleteAll(caller: Caller, input: DistillationRunsInput): Promise<BulkResult[]> {
    return this.each(caller, 'object:delete', 'distillationRunDelete', input, async (tx, run, field) => {
      if (run.deleteAfter !== null) return null;
      const refuse = (message: string) => new TeddyhubError('INVALID_STATE', message, { field });
      if (run.archivedAt === null) throw refuse(`Run ${run.name} is not archived: archive it first, then delete it.`);
      const set = await tx.distilledSet.findFirst({ where: { runId: run.id, deleteAfter: null } });
      if (set !== null) throw refuse(`Run ${run.name} made the distilled set ${set.name}: delete that first.`);
      await tx.distillationRun.update({ where: { id: run.id }, data: { deleteAfter: inGrace() } });
      return {};
    });
  }

  /** Adds and removes labels. Needs no version: it is the same in whichever order others do so, too. */
  async labelAll(caller: Caller, input: DistillationRunsLabelInput): Promise<BulkResult[]> {
    assertAllowed(caller.viewer, 'distillationRun:edit');
    const add = requireLabels(input.add ?? [], ['add']);
    const remove = requireLabels(input.remove ?? [], ['remove']);
    return this.each(caller, 'distillationRun:edit', 'distillationRunLabel', input, async (tx, run, field) => {
      const kept = run.labels.filter((label) => !remove.includes(label));
      const labels = requireLabels([...kept, ...add], field);
      if (labels.join() === run.labels.join()) return null;
      await tx.distillationRun.update({ where: { id: run.id }, data: { labels, version: { increment: 1 } } });
      return { labels };
    });
  }

  /** Changes name, notes or labels. Returns its UUID. Throws NOT_FOUND, VERSION_CONFLICT, INVALID_INPUT. */
  async update(caller: Caller, input: DistillationRunUpdateInput): Promise<string> {
    assertAllowed(caller.viewer, 'distillationRun:edit');
    const { name, notes, labels } = input.changes;
    const changes = {
      ...(name == null ? {} : { name: requireName(name, ['changes', 'name']) }),
      ...(notes == null ? {} : { notes: requireText(notes, ['changes', 'notes']) }),
      ...(labels == null ? {} : { labels: requireLabels(labels, ['changes', 'labels']) }),
    };
    const edit = { ...input, operation: 'distillationRunUpdate', subjectType: 'DistillationRun', changes } as const;
    return editOnce(this.backend, caller, edit, {
      write: (tx, where) => tx.distillationRun.updateMany({ where, data: { ...changes, ...raised } }),
      read: (tx, where) => tx.distillationRun.findFirst({ where, select: { version: true } }),
    });
  }

  private cancelRun(caller: Caller): Act {
    return async (tx, run, field) => {
      const work = { tx, queue: this.backend.queue };
      const changed = await requestRunCancel(work, run.id, actorOf(caller)).catch((error: unknown) => {
        throw atField(error, field);
      });
      return changed ? {} : null;
    };
  }

  private async each(
    caller: Caller,
    permission: Permission,
    action: string,
    { ids }: DistillationRunsInput,
    act: Act,
  ): Promise<BulkResult[]> {
    assertAllowed(caller.viewer, permission);
    return eachOf(caller, this.log, ids, (globalId, field) => this.actOn(caller, action, globalId, field, act));
  }

  /** Under the lock of the run, in a transaction of its own; audited unless `act` answers null, that nothing changed. */
  private async actOn(caller: Caller, action: string, globalId: string, field: readonly string[], act: Act) {
    const id = requireUuid('DistillationRun', globalId, field);
    await this.backend.database.$transaction(async (tx) => {
      await lockRun(tx, id);
      const run = await tx.distillationRun.findFirst({ where: { id, projectId: caller.viewer.projectId } });
      if (run === null) throw notFound('DistillationRun', globalId, field);
      const data = await act(tx, run, field);
      if (data !== null) await audit(tx, caller, action, 'DistillationRun', id, data);
    }, TRANSACTION);
    return id;
  }
}
