/** Keys as whoever may write to the database makes and ends them, of any project: the command line, and the first key of a machine. */
import { TeddyhubError } from '../../domain/errors.js';
import type { Role } from '../../domain/viewer.js';
import type { ApiKey } from '../../platform/database/generated/client.js';
import type { ApiKeyRepository } from './api-key.repository.js';
import { hashSecret, makeKey } from './secret.js';

export const DEFAULT_PROJECT = 'default';

export class OperatorKeys {
  constructor(private readonly keys: ApiKeyRepository) {}

  /** Makes a key; it is shown this once. */
  async create(key: { name: string; role: Role; project?: string; expiresAt?: Date }): Promise<string> {
    const { key: text, prefix, secret } = makeKey();
    const secretHash = hashSecret(secret);
    const { name, role, project = DEFAULT_PROJECT, expiresAt = null } = key;
    await this.keys.create(project, { name, role, prefix, secretHash, expiresAt });
    return text;
  }

  list(): Promise<(ApiKey & { project: { name: string } })[]> {
    return this.keys.listAll();
  }

  /** Takes effect within seconds in every process. Throws NOT_FOUND. */
  async revoke(prefix: string): Promise<void> {
    if (await this.keys.revoke(prefix)) return;
    throw new TeddyhubError('NOT_FOUND', `There is no key with the prefix ${prefix} that could be revoked.`);
  }
}
