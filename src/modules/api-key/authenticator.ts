/** Tells who a key speaks for. A key costs one look at its row every two seconds. */
import { createHash } from 'node:crypto';
import { TeddyhubError } from '../../domain/errors.js';
import type { Viewer } from '../../domain/viewer.js';
import type { ApiKey } from '../../platform/database/generated/client.js';
import type { ApiKeyRepository } from './api-key.repository.js';
import { type ParsedKey, parseKey, verifySecret } from './secret.js';

/** A verified key is looked up again after this long, so that a revoked one stops within seconds. */
const TRUST_MS = 2_000;
const CACHE_SIZE = 1_000;
/** Last use is told to the minute. */
const TOUCH_MS = 60_000;

interface Verified {
  row: ApiKey;
  /** When the row was last read, milliseconds. */
  readAt: number;
}

export class Authenticator {
  /** By sha256 of the whole key, so that no key lies in memory; the least recently read goes first. */
  private readonly verified = new Map<string, Verified>();
  /** Requests that come together wait for one look. */
  private readonly looks = new Map<string, Promise<ApiKey | null>>();

  constructor(private readonly keys: ApiKeyRepository) {}

  /** Who a header `Bearer thk_...` speaks for. Throws UNAUTHENTICATED, with one message for all reasons. */
  async authenticate(header: string | undefined): Promise<Viewer> {
    const key = /^(?:Bearer\s+)?(\S+)$/i.exec(header?.trim() ?? '')?.[1];
    const parsed = key === undefined ? null : parseKey(key);
    if (key === undefined || parsed === null) throw unauthenticated();
    const cacheKey = createHash('sha256').update(key).digest('base64');
    const row = await this.find(cacheKey, parsed);
    if (row === null || !isActive(row)) {
      this.verified.delete(cacheKey);
      throw unauthenticated();
    }
    return { projectId: row.projectId, keyPrefix: row.prefix, role: row.role };
  }

  /** Which of these keys, each verified before, have been revoked or have expired since. One statement for all. */
  async inactive(prefixes: readonly string[]): Promise<Set<string>> {
    const rows = await this.keys.byPrefixes(prefixes);
    const active = new Set(rows.filter(isActive).map((row) => row.prefix));
    return new Set(prefixes.filter((prefix) => !active.has(prefix)));
  }

  private async find(cacheKey: string, key: ParsedKey): Promise<ApiKey | null> {
    const known = this.verified.get(cacheKey);
    if (known && Date.now() - known.readAt < TRUST_MS) return known.row;
    const begun = this.looks.get(cacheKey);
    if (begun) return begun;
    const look = this.look(cacheKey, key, known?.row).finally(() => this.looks.delete(cacheKey));
    this.looks.set(cacheKey, look);
    return look;
  }

  private async look(cacheKey: string, key: ParsedKey, known: ApiKey | undefined): Promise<ApiKey | null> {
    const row = await this.keys.byPrefix(key.prefix);
    if (row === null) return null;
    if (known?.secretHash !== row.secretHash && !(await verifySecret(key.secret, row.secretHash))) return null;
    this.remember(cacheKey, row);
    if (isActive(row) && Date.now() - (row.lastUsedAt?.getTime() ?? 0) > TOUCH_MS) await this.keys.touch(row.id);
    return row;
  }

  private remember(cacheKey: string, row: ApiKey): void {
    this.verified.delete(cacheKey);
    this.verified.set(cacheKey, { row, readAt: Date.now() });
    const oldest = this.verified.keys().next();
    if (this.verified.size > CACHE_SIZE && !oldest.done) this.verified.delete(oldest.value);
  }
}

export const isActive = (key: Pick<ApiKey, 'revokedAt' | 'expiresAt'>): boolean =>
  key.revokedAt === null && (key.expiresAt === null || key.expiresAt > new Date());

const unauthenticated = () =>
  new TeddyhubError(
    'UNAUTHENTICATED',
    'Send a valid API key as "Authorization: Bearer thk_..."; make one with: teddyhub key create',
  );
