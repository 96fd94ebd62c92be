import { TeddyhubError } from '../../domain/errors.js';
import type { Role } from '../../domain/viewer.js';
import type { Transaction } from '../../platform/database/client.js';
import type { ApiKey as ApiKeyRow } from '../../platform/database/generated/client.js';
import type { Backend } from '../../platform/orchestration/index.js';
import type { Reader } from '../context.js';
import type { Connection } from '../kit/connection.js';
import { createOnce } from '../kit/create.js';
import { requireName } from '../kit/input.js';
import { audit, type Caller, TRANSACTION } from '../kit/mutation.js';
import { notFound, requireUuid } from '../kit/node.js';
import type { PageArguments } from '../kit/paging.js';
import { assertAllowed } from '../kit/permissions.js';
import type { ApiKeyCreateInput, ApiKeyRevokeInput, ApiKeyRotateInput } from './api-key.input.js';
import type { ApiKeyRepository } from './api-key.repository.js';
import type { ApiKey } from './api-key.type.js';
import { isActive } from './authenticator.js';
import { hashSecret, makeKey } from './secret.js';

/** The longest that a rotated key goes on beside its successor. */
const MAX_OVERLAP_SECONDS = 30 * 86_400;

/** A key that was made, and its text where this is the call that made it: it is not kept. */
export interface MadeKey {
  id: string;
  key: string | null;
}

/** Keys of the caller's project, for its ADMINs. */
export class ApiKeyService {
  constructor(
    private readonly backend: Backend,
    private readonly keys: ApiKeyRepository,
  ) {}

  async list({ viewer, columns }: Reader, page: PageArguments): Promise<Connection<ApiKey>> {
    assertAllowed(viewer, 'apiKey:manage');
    return this.keys.list(viewer.projectId, page, columns);
  }

  async create(caller: Caller, input: ApiKeyCreateInput): Promise<MadeKey> {
    assertAllowed(caller.viewer, 'apiKey:manage');
    const name = requireName(input.name);
    const { role, idempotencyKey } = input;
    const expiresAt = input.expiresAt ?? null;
    const request = { name, role, expiresAt: expiresAt?.toISOString() ?? null };
    return this.makeOnce(caller, 'apiKeyCreate', idempotencyKey, request, async (tx, id, made) => {
      requireFuture(expiresAt);
      await tx.apiKey.create({ data: { id, projectId: caller.viewer.projectId, name, role, expiresAt, ...made } });
    });
  }

  /** Puts a key of the same name and role in the place of another, which works for `overlapSeconds` more. */
  async rotate(caller: Caller, input: ApiKeyRotateInput): Promise<MadeKey> {
    assertAllowed(caller.viewer, 'apiKey:manage');
    const { overlapSeconds, idempotencyKey } = input;
    const expiresAt = input.expiresAt ?? null;
    if (overlapSeconds < 0 || overlapSeconds > MAX_OVERLAP_SECONDS) {
      throw new TeddyhubError('INVALID_INPUT', `overlapSeconds must be 0 to ${MAX_OVERLAP_SECONDS}.`, {
        field: ['overlapSeconds'],
      });
    }
    const request = { id: input.id, overlapSeconds, expiresAt: expiresAt?.toISOString() ?? null };
    return this.makeOnce(caller, 'apiKeyRotate', idempotencyKey, request, async (tx, id, made) => {
      requireFuture(expiresAt);
      const old = await lockKey(tx, caller, input.id);
      if (!isActive(old) || old.successorId !== null) {
        const why = old.successorId !== null ? 'was rotated already' : 'does not work any more';
        throw new TeddyhubError('INVALID_STATE', `Key ${old.prefix} ${why}: make a new one.`, { field: ['id'] });
      }
      const { projectId, name, role } = old;
      await tx.apiKey.create({ data: { id, projectId, name, role, expiresAt, ...made } });
      const end = new Date(Date.now() + overlapSeconds * 1000);
      const sooner = old.expiresAt !== null && old.expiresAt < end ? old.expiresAt : end;
      await tx.apiKey.update({ where: { id: old.id }, data: { successorId: id, expiresAt: sooner } });
      const change = { prefix: old.prefix, successor: made.prefix, expiresAt: sooner.toISOString() };
      await audit(tx, caller, 'apiKeyReplace', 'ApiKey', old.id, change);
    });
  }

  /** Ends a key; one that is revoked already stays so. Returns its UUID. Throws NOT_FOUND, INVALID_STATE. */
  async revoke(caller: Caller, input: ApiKeyRevokeInput): Promise<string> {
    assertAllowed(caller.viewer, 'apiKey:manage');
    return this.backend.database.$transaction(async (tx) => {
      const key = await lockKey(tx, caller, input.id);
      if (key.revokedAt !== null) return key.id;
      if (key.role === 'ADMIN' && isActive(key) && (await countOtherAdmins(tx, key)) === 0) {
        const message = 'This is the last ADMIN key that the project keeps: make another one first.';
        throw new TeddyhubError('INVALID_STATE', message, { field: ['id'] });
      }
      await tx.apiKey.update({ where: { id: key.id }, data: { revokedAt: new Date() } });
      await audit(tx, caller, 'apiKeyRevoke', 'ApiKey', key.id, { prefix: key.prefix });
      return key.id;
    }, TRANSACTION);
  }

  private async makeOnce(
    caller: Caller,
    operation: string,
    idempotencyKey: string,
    request: Record<string, unknown>,
    make: (tx: Transaction, id: string, made: { prefix: string; secretHash: string }) => Promise<void>,
  ): Promise<MadeKey> {
    const { key, prefix, secret } = makeKey();
    const secretHash = hashSecret(secret);
    let isNew = false;
    const command = { operation, subjectType: 'ApiKey', idempotencyKey, request } as const;
    const id = await createOnce(this.backend, caller, command, async ({ tx }, newId) => {
      await make(tx, newId, { prefix, secretHash });
      isNew = true;
    });
    return { id, key: isNew ? key : null };
  }
}

/** A key of the project, and the project's lock: what is decided of one ADMIN key depends on the others. Throws NOT_FOUND. */
async function lockKey(tx: Transaction, caller: Caller, globalId: string): Promise<ApiKeyRow> {
  const { projectId } = caller.viewer;
  const id = requireUuid('ApiKey', globalId, ['id']);
  await tx.$queryRaw`SELECT 1 FROM "Project" WHERE id = ${projectId}::uuid FOR NO KEY UPDATE`;
  const key = await tx.apiKey.findFirst({ where: { id, projectId } });
  if (key === null) throw notFound('ApiKey', globalId, ['id']);
  return key;
}

/** Those that were rotated do not count: they work for a while only. */
const countOtherAdmins = (tx: Transaction, { id, projectId }: ApiKeyRow): Promise<number> =>
  tx.apiKey.count({
    where: {
      id: { not: id },
      projectId,
      successorId: null,
      role: 'ADMIN' satisfies Role,
      revokedAt: null,
      OR: [{ expiresAt: null }, { expiresAt: { gt: new Date() } }],
    },
  });

function requireFuture(expiresAt: Date | null): void {
  if (expiresAt === null || expiresAt > new Date()) return;
  throw new TeddyhubError('INVALID_INPUT', 'expiresAt must be in the future.', { field: ['expiresAt'] });
}
