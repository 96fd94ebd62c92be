import { TeddyhubError } from '../../domain/errors.js';
import type { Backend } from '../../platform/orchestration/index.js';
import { createOnce } from '../kit/create.js';
import { keepOne } from '../kit/grace.js';
import { requireName } from '../kit/input.js';
import { audit, type Caller, TRANSACTION } from '../kit/mutation.js';
import { notFound, requireUuid } from '../kit/node.js';
import { assertAllowed } from '../kit/permissions.js';
import { makeToken } from './secret.js';
import type { DistilledSetTokenCreateInput, DistilledSetTokenRevokeInput } from './set-token.input.js';

const MIN_SECONDS = 60;
const MAX_SECONDS = 366 * 86_400;

/** Tokens for one set: a training job gets one, and no key of the project. */
export class SetTokenService {
  constructor(private readonly backend: Backend) {}

  /** Returns the token's UUID, and its text where this is the call that made it. Throws NOT_FOUND, INVALID_INPUT, INVALID_STATE. */
  async create(caller: Caller, input: DistilledSetTokenCreateInput): Promise<{ id: string; secret: string | null }> {
    assertAllowed(caller.viewer, 'distilledSet:share');
    const field = ['distilledSetId'];
    const name = requireName(input.name);
    const { seconds, idempotencyKey } = input;
    const distilledSetId = requireUuid('DistilledSet', input.distilledSetId, field);
    if (seconds < MIN_SECONDS || seconds > MAX_SECONDS) {
      throw new TeddyhubError('INVALID_INPUT', `seconds must be ${MIN_SECONDS} to ${MAX_SECONDS}.`, {
        field: ['seconds'],
      });
    }
    const { token, prefix, secretHash } = makeToken();
    let isNew = false;
    const id = await createOnce(
      this.backend,
      caller,
      {
        operation: 'distilledSetTokenCreate',
        subjectType: 'DistilledSet',
        subjectId: distilledSetId,
        idempotencyKey,
        request: { distilledSetId, name, seconds },
      },
      async ({ tx }, tokenId) => {
        await keepOne(tx, 'DistilledSet', distilledSetId);
        const where = { id: distilledSetId, projectId: caller.viewer.projectId };
        const set = await tx.distilledSet.findFirst({ where });
        if (set === null) throw notFound('DistilledSet', input.distilledSetId, field);
        if (set.publishedAt === null) {
          const message = `Distilled set ${set.name} is not published yet: publish it first.`;
          throw new TeddyhubError('INVALID_STATE', message, { field });
        }
        if (set.deleteAfter !== null) {
          const message = `Distilled set ${set.name} is deleted and not served: restore it first.`;
          throw new TeddyhubError('INVALID_STATE', message, { field });
        }
        const expiresAt = new Date(Date.now() + seconds * 1000);
        await tx.distilledSetToken.create({
          data: { id: tokenId, distilledSetId, name, prefix, secretHash, expiresAt },
        });
        isNew = true;
      },
    );
    return { id, secret: isNew ? token : null };
  }

  /** Ends a token at once; one that is revoked already stays so. Returns its UUID. Throws NOT_FOUND. */
  async revoke(caller: Caller, { prefix }: DistilledSetTokenRevokeInput): Promise<string> {
    assertAllowed(caller.viewer, 'distilledSet:share');
    const { projectId } = caller.viewer;
    return this.backend.database.$transaction(async (tx) => {
      const token = await tx.distilledSetToken.findFirst({ where: { prefix, distilledSet: { projectId } } });
      if (token === null) {
        const message = `There is no token with the prefix ${prefix.slice(0, 100)}.`;
        throw new TeddyhubError('NOT_FOUND', message, { field: ['prefix'] });
      }
      const where = { id: token.id, revokedAt: null };
      const { count } = await tx.distilledSetToken.updateMany({ where, data: { revokedAt: new Date() } });
      const { distilledSetId } = token;
      if (count === 1) await audit(tx, caller, 'distilledSetTokenRevoke', 'DistilledSet', distilledSetId, { prefix });
      return token.id;
    }, TRANSACTION);
  }
}
