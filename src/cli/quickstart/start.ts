/** Beginning the steps of a quickstart, each of them once. */
import { ApiError } from '../../../clients/typescript/src/index.js';
import { TeddyhubError } from '../../domain/errors.js';
import { digestOf } from '../../platform/object-store/object-store.js';

/** What a step has made. */
export interface Started {
  id: string;
  state: string;
  archivedAt?: string | null;
  deleteAfter?: string | null;
  /** Of a run: null before it is there, and after its removal. */
  distilledSet?: { state: string } | null;
}

/**
 * Makes an object, or finds the one that an earlier quickstart with the same plan has made; one that failed, or was put away since,
 * is made anew, under the key of the next attempt. Returns its id.
 */
export async function startOnce<Input extends object>(
  salt: string,
  what: string,
  input: Input,
  create: (input: Input & { idempotencyKey: string }) => Promise<Started | null>,
): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    const idempotencyKey = digestOf(Buffer.from(JSON.stringify([salt, attempt, what, input])));
    const made = await create({ ...input, idempotencyKey }).catch(whereRemoved);
    if (made === null) throw new TeddyhubError('INTERNAL', `The service made no ${what}.`);
    if (made !== REMOVED && !isOver(made)) return made.id;
  }
}

const REMOVED = 'REMOVED';

/** The key is remembered for longer than what was made under it. */
function whereRemoved(error: unknown): typeof REMOVED {
  if (error instanceof ApiError && error.code === 'NOT_FOUND') return REMOVED;
  throw error;
}

const isOver = ({ state, archivedAt, deleteAfter, distilledSet }: Started): boolean =>
  state === 'FAILED' ||
  state === 'CANCELED' ||
  archivedAt != null ||
  deleteAfter != null ||
  distilledSet?.state === 'ARCHIVED' ||
  (state === 'SUCCEEDED' && distilledSet === null);
