import { TeddyhubError } from '../../domain/errors.js';
import { isSecretOf, parseToken } from './secret.js';
import type { SetTokenRepository } from './set-token.repository.js';

/** What a token opens. */
export interface OpenedSet {
  projectId: string;
  setId: string;
}

export class TokenAuthenticator {
  constructor(private readonly tokens: SetTokenRepository) {}

  /** Throws UNAUTHENTICATED, with one message for all reasons. */
  async authenticate(text: string): Promise<OpenedSet> {
    const parsed = parseToken(text);
    const row = parsed && (await this.tokens.byPrefix(parsed.prefix));
    if (row && isSecretOf(parsed.secret, row.secretHash) && row.revokedAt === null && row.expiresAt > new Date()) {
      return { projectId: row.distilledSet.projectId, setId: row.distilledSet.id };
    }
    throw new TeddyhubError(
      'UNAUTHENTICATED',
      'This token does not work, or not any more: ask for a new one (teddyhub sets token).',
    );
  }
}
