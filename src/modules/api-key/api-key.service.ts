import { createHash } from 'node:crypto';
import { TeddyhubError } from '../../domain/errors.js';
import type { Role, Viewer } from '../../domain/viewer.js';
import type { ApiKey } from '../../platform/database/generated/client.js';
import type { ApiKeyRepository } from './api-key.repository.js';
import { hashSecret, makeKey, parseKey, verifySecret } from './secret.js';

/** A verified key is looked up again after this long, so that a revoked one stops within seconds. */
const TRUST_MS = 2_000;
const CACHE_SIZE = 1_000;
const TOUCH_MS = 60_000;

interface Verified {
  row: ApiKey;
  /** When the row was last read, milliseconds. */
  readAt: number;
}

export const DEFAULT_PROJECT = 'default';

export class ApiKeyService {
  /** By sha256 of the whole key: scrypt is paid once a key and process, and no key lies in memory. */
  private readonly verified = new Map<string, Verified>();

  constructor(private readonly keys: ApiKeyRepository) {}

  /** Who a header `Bearer thk_...` speaks for. Throws UNAUTHENTICATED, with one message for all reasons. */
  async authenticate(header: string | undefined): Promise<Viewer> {
    const key = /^(?:Bearer\s+)?(\S+)$/i.exec(header?.trim() ?? '')?.[1];
    const parsed = key === undefined ? null : parseKey(key);
    if (key === undefined || parsed === null) throw unauthenticated();
    const cacheKey = createHash('sha256').update(key).digest('base64');
    const row = await this.findVerified(cacheKey, parsed);
    if (row === null || row.revokedAt !== null || (row.expiresAt !== null && row.expiresAt <= new Date())) {
      this.verified.delete(cacheKey);
      throw unauthenticated();
    }
    return { projectId: row.projectId, keyPrefix: row.prefix, role: row.role };
  }

  private async findVerified(cacheKey: string, key: { prefix: string; secret: string }): Promise<ApiKey | null> {
    const known = this.verified.get(cacheKey);
    if (known && Date.now() - known.readAt < TRUST_MS) return known.row;
    const row = await this.keys.byPrefix(key.prefix);
    if (row === null) return null;
    const same = known?.row.secretHash === row.secretHash;
    if (!same && !(await verifySecret(key.secret, row.secretHash))) return null;
    this.remember(cacheKey, row);
    if (Date.now() - (row.lastUsedAt?.getTime() ?? 0) > TOUCH_MS) await this.keys.touch(row.id);
    return row;
  }

  private remember(cacheKey: string, row: ApiKey): void {
    this.verified.delete(cacheKey);
    this.verified.set(cacheKey, { row, readAt: Date.now() });
    const oldest = this.verified.keys().next();
    if (this.verified.size > CACHE_SIZE && !oldest.done) this.verified.delete(oldest.value);
  }

  /** Makes a key; it is shown this once. */
  async create(key: { name: string; role: Role; project?: string; expiresAt?: Date }): Promise<string> {
    const { key: text, prefix, secret } = makeKey();
    const secretHash = await hashSecret(secret);
    const { name, role, project = DEFAULT_PROJECT, expiresAt = null } = key;
    await this.keys.create(project, { name, role, prefix, secretHash, expiresAt });
    return text;
  }

  list(): Promise<ApiKey[]> {
    return this.keys.list();
  }

  /** Takes effect within seconds in every process. Throws NOT_FOUND. */
  async revoke(prefix: string): Promise<void> {
    if (await this.keys.revoke(prefix)) return;
    throw new TeddyhubError('NOT_FOUND', `There is no key with the prefix ${prefix} that could be revoked.`);
  }
}

const unauthenticated = () =>
  new TeddyhubError(
    'UNAUTHENTICATED',
    'Send a valid API key as "Authorization: Bearer thk_..."; make one with: teddyhub key create',
  );
