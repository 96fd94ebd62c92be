/** Creates under idempotency keys: an object is made at most once a key, however often its request is sent. */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../domain/canonical-json.js';
import { TeddyhubError } from '../../domain/errors.js';
import { newId } from '../../domain/ids.js';
import type { Transaction } from '../../platform/database/client.js';
import { isStatementCanceled } from '../../platform/database/failures.js';
import { type Backend, LONG_TRANSACTION, type Work } from '../../platform/orchestration/index.js';
import { untimed } from '../../platform/telemetry/request-trace.js';
import { audit, type Caller, TRANSACTION } from './mutation.js';
import type { NodeType } from './node.js';

export interface Create {
  operation: string;
  subjectType: NodeType;
  /** Where the history is of another object than the one that is made. */
  subjectId?: string;
  idempotencyKey: string;
  /** For the history: the parsed content, with the defaults in, and nothing that is read for it. */
  request: Record<string, unknown>;
  /** What decides whether two requests are the same, if not all of `request`: the content as the client sent it, without defaults, since a later version may have other defaults. */
  asked?: unknown;
  /** It may make thousands of tasks: each statement has the time of a request, not all of them together. */
  isLong?: boolean;
}

/**
 * Makes an object at most once a key, and audits it, in one transaction. Returns its UUID. Concurrent calls with one key
 * wait for each other on its unique row; `create` gets the id of the row to make, and throws to make nothing at all.
 * Throws IDEMPOTENCY_CONFLICT.
 */
export async function createOnce(
  { database, queue }: Backend,
  caller: Caller,
  command: Create,
  create: (work: Work, id: string) => Promise<void>,
): Promise<string> {
  const { projectId } = caller.viewer;
  const { operation, idempotencyKey: key, request, asked = request, isLong } = command;
  requireKey(key);
  const limits = isLong ? LONG_TRANSACTION : TRANSACTION;
  return database.$transaction(async (tx) => {
    const id = newId();
    const data = { projectId, key, operation, requestHash: hashOf(asked), objectId: id };
    const claimed = await tx.idempotencyKey.createMany({ data, skipDuplicates: true }).catch(stillAtWork);
    if (claimed.count === 0) {
      const first = await findMade(tx, projectId, command);
      if (first !== null) return first;
      // Removed between the two statements: its month was over.
      throw new TeddyhubError('UNAVAILABLE', 'This idempotency key has just ended: send the request again.');
    }
    const make = () => create({ tx, queue }, id);
    await (isLong ? untimed(make) : make());
    await audit(tx, caller, operation, command.subjectType, command.subjectId ?? id, request);
    return id;
  }, limits);
}

/** Where the first of two requests took longer than the second may wait for it, it is not undone: the same may be sent again. */
function stillAtWork(error: unknown): never {
  if (!isStatementCanceled(error)) throw error;
  throw new TeddyhubError('UNAVAILABLE', 'The same request is still at work: send it again.');
}

/**
 * The same for what reads files or uploads first: a repetition of the request gets its first answer whether they are still
 * there or not, and nothing is read again. Throws IDEMPOTENCY_CONFLICT.
 */
export async function createOnceFrom<T>(
  backend: Backend,
  caller: Caller,
  command: Create,
  read: () => Promise<T>,
  create: (work: Work, id: string, content: T) => Promise<void>,
): Promise<string> {
  requireKey(command.idempotencyKey);
  const first = await findMade(backend.database, caller.viewer.projectId, command);
  if (first !== null) return first;
  const content = await read();
  return createOnce(backend, caller, command, (work, id) => create(work, id, content));
}

/** What the key made, or null where it is new. Throws IDEMPOTENCY_CONFLICT where that was another request. */
async function findMade(
  tx: Pick<Transaction, 'idempotencyKey'>,
  projectId: string,
  { operation, idempotencyKey: key, request, asked = request }: Create,
): Promise<string | null> {
  const first = await tx.idempotencyKey.findUnique({ where: { projectId_key: { projectId, key } } });
  if (first === null) return null;
  // Earlier versions kept the hash of `request`.
  const same = [hashOf(asked), hashOf(request)].includes(first.requestHash);
  if (first.operation === operation && same) return first.objectId;
  throw new TeddyhubError(
    'IDEMPOTENCY_CONFLICT',
    'This idempotency key was used before with another request: choose a new one.',
    { field: ['idempotencyKey'] },
  );
}

const hashOf = (request: unknown): string => createHash('sha256').update(canonicalJson(request)).digest('hex');

function requireKey(key: string): void {
  if (key.length > 0 && key.length <= 200) return;
  throw new TeddyhubError('INVALID_INPUT', 'An idempotency key has 1 to 200 characters.', {
    field: ['idempotencyKey'],
  });
}
