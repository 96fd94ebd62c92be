/** What all mutations share: one transaction, an audit row, and failures as data. */
import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { atField, type FailureCode, TeddyhubError } from '../../domain/errors.js';
import type { Viewer } from '../../domain/viewer.js';
import type { Transaction } from '../../platform/database/client.js';
import type { Prisma } from '../../platform/database/generated/client.js';
import type { Log } from '../../platform/log.js';
import type { Backend, Work } from '../../platform/orchestration/index.js';
import { UserError } from './failure.js';
import { InputErrors } from './input.js';
import { type NodeType, notFound, toGlobalId } from './node.js';
import { MAX_PAGE } from './paging.js';

/** Who asks, and in which request. */
export interface Caller {
  viewer: Viewer;
  requestId: string;
}

@InputType()
export abstract class MutationInput {
  @Field(() => String, { nullable: true, description: 'Comes back in the payload as it is.' })
  clientMutationId?: string | null;
}

@InputType()
export abstract class CreateInput extends MutationInput {
  @Field(() => String, {
    description:
      'Chosen by the client, 1 to 200 characters. The same key with the same content answers the same object, however ' +
      'often it is sent; with other content it is an IDEMPOTENCY_CONFLICT.',
  })
  idempotencyKey!: string;
}

@InputType()
export abstract class UpdateInput extends MutationInput {
  @Field(() => ID)
  id!: string;

  @Field(() => Int, {
    description:
      'The version that the edit was made on: where the object has another one by now, it is a VERSION_CONFLICT.',
  })
  expectedVersion!: number;
}

@InputType({ description: 'What is left out stays as it is.' })
export class NameChanges {
  @Field(() => String, { nullable: true })
  name?: string | null;
}

@ObjectType()
export abstract class Payload {
  @Field(() => [UserError], { description: 'Empty when it was done.' })
  userErrors!: UserError[];

  @Field(() => String, { nullable: true })
  clientMutationId!: string | null;
}

/** These say that the request may not be made or cannot be served, not that its content is wrong. */
const NOT_DATA: readonly FailureCode[] = [
  ...(['UNAUTHENTICATED', 'FORBIDDEN'] as const),
  ...(['UNAVAILABLE', 'STORAGE_FULL', 'BAD_CONFIGURATION', 'INTERNAL'] as const),
];

/** Runs a mutation: an expected failure becomes `userErrors`, everything else goes on as an error. */
export async function toPayload<T>(
  input: MutationInput,
  act: () => Promise<T>,
): Promise<{ result: T | null; userErrors: UserError[]; clientMutationId: string | null }> {
  const clientMutationId = input.clientMutationId ?? null;
  try {
    return { result: await act(), userErrors: [], clientMutationId };
  } catch (error) {
    return { result: null, userErrors: toUserErrors(error), clientMutationId };
  }
}

/** One thing of a bulk: an expected failure is its own, and what comes after it goes on. */
export interface BulkResult {
  id: string;
  uuid: string | null;
  userErrors: UserError[];
}

/**
 * Does each of 1 to 100 things by itself. Where something unexpected happens, a lost database or the end of the request's time,
 * what was done before it is told, and what follows is left alone. Throws INVALID_INPUT for none and for more.
 */
export async function eachOf(
  { requestId }: Caller,
  log: Log,
  ids: readonly string[],
  act: (globalId: string, field: readonly string[]) => Promise<string>,
): Promise<BulkResult[]> {
  const field = ['ids'];
  if (ids.length === 0 || ids.length > MAX_PAGE) {
    throw new TeddyhubError('INVALID_INPUT', `Give 1 to ${MAX_PAGE} ids.`, { field });
  }
  const results: BulkResult[] = [];
  for (const [index, id] of ids.entries()) {
    try {
      results.push({ id, uuid: await act(id, [...field, String(index)]), userErrors: [] });
    } catch (error) {
      const userErrors = isData(error) || results.length === 0 ? toUserErrors(error) : null;
      if (userErrors === null) {
        log.error({ err: error, requestId, done: index, of: ids.length }, 'bulk mutation broke off');
        return [...results, ...ids.slice(index).map(leftAlone)];
      }
      results.push({ id, uuid: null, userErrors });
    }
  }
  return results;
}

const leftAlone = (id: string): BulkResult => ({
  id,
  uuid: null,
  userErrors: [
    { code: 'UNAVAILABLE', message: 'The request failed before this was done: ask again for it.', field: null },
  ],
});

const isData = (error: unknown): boolean =>
  error instanceof InputErrors || (error instanceof TeddyhubError && !NOT_DATA.includes(error.code));

function toUserErrors(error: unknown): UserError[] {
  const errors = error instanceof InputErrors ? error.errors : [error];
  return errors.map((one) => {
    if (!(one instanceof TeddyhubError) || NOT_DATA.includes(one.code)) throw one;
    return { code: one.code, message: one.message, field: one.field ? [...one.field] : null };
  });
}

/** Cancels an object that `find` finds in the project, and audits it. Throws NOT_FOUND, INVALID_STATE. */
export async function cancelOnce(
  { database, queue }: Backend,
  caller: Caller,
  { operation, subjectType, id }: { operation: string; subjectType: NodeType; id: string },
  {
    find,
    cancel,
  }: {
    find: (tx: Transaction) => Promise<object | null>;
    /** Whether it had something to cancel. */
    cancel: (work: Work, id: string, actor: string) => Promise<boolean>;
  },
): Promise<string> {
  const field = ['id'];
  await database.$transaction(async (tx) => {
    const row = await find(tx);
    if (row === null) throw notFound(subjectType, toGlobalId(subjectType, id), field);
    const changed = await cancel({ tx, queue }, id, actorOf(caller)).catch((error: unknown) => {
      throw atField(error, field);
    });
    if (changed) await audit(tx, caller, operation, subjectType, id, {});
  }, TRANSACTION);
  return id;
}

/** Ten callers with one key wait for the first: longer than Prisma's own 2 s to begin and 5 s to end. */
export const TRANSACTION = { maxWait: 10_000, timeout: 15_000 };

/** How the audit trail and reasons name who did it. */
export const actorOf = ({ viewer }: Caller): string => `key:${viewer.keyPrefix}`;

/** History of who did what: written with the change, or not at all. */
export async function audit(
  tx: Transaction,
  caller: Caller,
  action: string,
  subjectType: NodeType,
  subjectId: string,
  data: Record<string, unknown>,
): Promise<void> {
  const { projectId } = caller.viewer;
  await tx.auditEvent.create({
    data: {
      projectId,
      actor: actorOf(caller),
      action,
      subjectType,
      subjectId,
      data: data as Prisma.InputJsonObject,
      requestId: caller.requestId,
    },
  });
}
