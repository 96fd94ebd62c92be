import { TeddyhubError } from '../../domain/errors.js';
import type { Database, Transaction } from '../../platform/database/client.js';
import type { DistilledSetState } from '../../platform/database/generated/client.js';
import type { Log } from '../../platform/log.js';
import { type Deletable, inGrace, keepUnderPool, keepUnderSet, lockOne } from '../kit/grace.js';
import { audit, type BulkResult, type Caller, eachOf, TRANSACTION } from '../kit/mutation.js';
import { notFound, requireUuid } from '../kit/node.js';
import { assertAllowed } from '../kit/permissions.js';

const FIELD = ['id'];

/** What is deleted itself holds nothing up. */
const KEPT = { where: { deleteAfter: null } };

/** Answers how many rows it changed: where none, there is nothing to record. */
type Write = (tx: Transaction, where: { id: string; projectId: string }) => Promise<number>;

/**
 * Archive, then delete, then, after a grace period, garbage collection. Every function returns the UUID of its object, does
 * nothing where there is nothing to do, and throws NOT_FOUND and INVALID_STATE.
 */
export class RetentionService {
  constructor(
    private readonly database: Database,
    private readonly log: Log,
  ) {}

  private archiveSet(caller: Caller, globalId: string, field: string[]): Promise<string> {
    const archive: Write = async (tx, where) => {
      const change = { state: 'ARCHIVED', archivedAt: new Date() } as const;
      const { count } = await tx.distilledSet.updateMany({
        where: { ...where, state: { not: 'ARCHIVED' } },
        data: change,
      });
      return count;
    };
    return this.change(caller, 'distilledSetArchive', 'DistilledSet', globalId, archive, field);
  }

  async archiveSets(caller: Caller, globalIds: readonly string[]): Promise<BulkResult[]> {
    assertAllowed(caller.viewer, 'object:archive');
    return eachOf(caller, this.log, globalIds, (globalId, field) => this.archiveSet(caller, globalId, [...field]));
  }

  deleteSet(caller: Caller, globalId: string): Promise<string> {
    return this.change(caller, 'distilledSetDelete', 'DistilledSet', globalId, async (tx, where) => {
      const set = await tx.distilledSet.findFirstOrThrow({ where });
      if (set.state !== 'ARCHIVED') throw notArchived('Distilled set', set.name);
      const pending = { ...where, deleteAfter: null };
      return (await tx.distilledSet.updateMany({ where: pending, data: { deleteAfter: inGrace() } })).count;
    });
  }

  /** Takes back a deletion, and with it the archiving. */
  restoreSet(caller: Caller, globalId: string): Promise<string> {
    return this.change(caller, 'distilledSetRestore', 'DistilledSet', globalId, async (tx, where) => {
      const set = await tx.distilledSet.findFirstOrThrow({ where });
      const state: DistilledSetState = set.publishedAt === null ? 'STAGING' : 'PUBLISHED';
      const data = { state, archivedAt: null, deleteAfter: null };
      const { count } = await tx.distilledSet.updateMany({ where: { ...where, state: 'ARCHIVED' }, data });
      await keepUnderSet(tx, caller, set);
      return count;
    });
  }

  deletePool(caller: Caller, globalId: string): Promise<string> {
    return this.change(caller, 'teacherPoolDelete', 'TeacherPool', globalId, async (tx, where) => {
      const pool = await tx.teacherPool.findFirstOrThrow({ where, include: { _count: { select: { runs: KEPT } } } });
      if (pool.state === 'QUEUED' || pool.state === 'TRAINING') {
        throw invalid(`Teacher pool ${pool.name} is ${pool.state}: cancel it, or wait until it has ended.`);
      }
      const { runs } = pool._count;
      if (runs > 0) {
        throw invalid(`Teacher pool ${pool.name} is used by ${runs} runs, archived ones included: delete these first.`);
      }
      const pending = { ...where, deleteAfter: null };
      return (await tx.teacherPool.updateMany({ where: pending, data: { deleteAfter: inGrace() } })).count;
    });
  }

  /** Takes back a deletion, that of its dataset included. */
  restorePool(caller: Caller, globalId: string): Promise<string> {
    return this.change(caller, 'teacherPoolRestore', 'TeacherPool', globalId, async (tx, where) => {
      const pool = await tx.teacherPool.findFirstOrThrow({ where });
      await keepUnderPool(tx, caller, pool);
      const pending = { ...where, deleteAfter: { not: null } };
      return (await tx.teacherPool.updateMany({ where: pending, data: { deleteAfter: null } })).count;
    });
  }

  archiveDataset(caller: Caller, globalId: string): Promise<string> {
    return this.change(caller, 'datasetArchive', 'Dataset', globalId, async (tx, where) => {
      const dataset = await tx.dataset.findFirstOrThrow({ where });
      if (dataset.state === 'IMPORTING')
        throw invalid(`Dataset ${dataset.name} is IMPORTING: cancel that, or wait until it has ended.`);
      const data = { archivedAt: new Date() };
      return (await tx.dataset.updateMany({ where: { ...where, archivedAt: null }, data })).count;
    });
  }

  deleteDataset(caller: Caller, globalId: string): Promise<string> {
    return this.change(caller, 'datasetDelete', 'Dataset', globalId, async (tx, where) => {
      const dataset = await tx.dataset.findFirstOrThrow({
        where,
        include: { _count: { select: { teacherPools: KEPT, runs: KEPT } } },
      });
      if (dataset.archivedAt === null) throw notArchived('Dataset', dataset.name);
      const { teacherPools, runs } = dataset._count;
      if (teacherPools + runs > 0) {
        throw invalid(
          `Dataset ${dataset.name} is used by ${teacherPools} teacher pools and ${runs} runs, archived ones included: delete these first.`,
        );
      }
      const pending = { ...where, deleteAfter: null };
      return (await tx.dataset.updateMany({ where: pending, data: { deleteAfter: inGrace() } })).count;
    });
  }

  restoreDataset(caller: Caller, globalId: string): Promise<string> {
    return this.change(caller, 'datasetRestore', 'Dataset', globalId, async (tx, where) => {
      const data = { archivedAt: null, deleteAfter: null };
      return (await tx.dataset.updateMany({ where: { ...where, archivedAt: { not: null } }, data })).count;
    });
  }

  private async change(
    caller: Caller,
    action: string,
    type: Deletable,
    globalId: string,
    write: Write,
    field = FIELD,
  ): Promise<string> {
    assertAllowed(caller.viewer, action.endsWith('Delete') ? 'object:delete' : 'object:archive');
    const { projectId } = caller.viewer;
    const id = requireUuid(type, globalId, field);
    return this.database.$transaction(async (tx) => {
      if (!(await lockOne(tx, type, id, projectId))) throw notFound(type, globalId, field);
      if ((await write(tx, { id, projectId })) > 0) await audit(tx, caller, action, type, id, {});
      return id;
    }, TRANSACTION);
  }
}

const invalid = (message: string): TeddyhubError => new TeddyhubError('INVALID_STATE', message, { field: FIELD });

const notArchived = (what: string, name: string): TeddyhubError =>
  invalid(`${what} ${name} is not archived: archive it first, then delete it.`);
