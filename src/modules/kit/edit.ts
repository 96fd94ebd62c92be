/** Edits under optimistic concurrency: each is made on a version that was read, and raises it. */
import { TeddyhubError } from '../../domain/errors.js';
import type { Transaction } from '../../platform/database/client.js';
import type { Backend } from '../../platform/orchestration/index.js';
import { audit, type Caller, TRANSACTION } from './mutation.js';
import { type NodeType, notFound, requireUuid } from './node.js';

export interface Edit {
  operation: string;
  subjectType: NodeType;
  /** As the client gave it. */
  id: string;
  expectedVersion: number;
  /** Columns by name, checked. */
  changes: Record<string, unknown>;
}

type Where = { id: string; projectId: string };

/** Makes an edit of an object of the project and audits it. Returns its UUID. Throws NOT_FOUND, VERSION_CONFLICT. */
export async function editOnce(
  { database }: Backend,
  caller: Caller,
  { operation, subjectType, id: globalId, expectedVersion, changes }: Edit,
  {
    write,
    read,
  }: {
    write: (tx: Transaction, where: Where & { version: number }) => Promise<{ count: number }>;
    read: (tx: Transaction, where: Where) => Promise<{ version: number } | null>;
  },
): Promise<string> {
  const id = requireUuid(subjectType, globalId, ['id']);
  const where = { id, projectId: caller.viewer.projectId };
  await database.$transaction(async (tx) => {
    if ((await write(tx, { ...where, version: expectedVersion })).count === 0) {
      const row = await read(tx, where);
      if (row === null) throw notFound(subjectType, globalId, ['id']);
      throw new TeddyhubError(
        'VERSION_CONFLICT',
        `It is at version ${row.version} by now, not ${expectedVersion}: read it again, then decide anew.`,
        { field: ['expectedVersion'] },
      );
    }
    await audit(tx, caller, operation, subjectType, id, changes);
  }, TRANSACTION);
  return id;
}

/** What an edit writes beside its changes. */
export const raised = { version: { increment: 1 } };
