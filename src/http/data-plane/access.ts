/** Who may read which set and which teacher. Keys and tokens come as a header; a token also in the URL, for clients that know nothing else. */
import type { Request } from 'express';
import { TeddyhubError } from '../../domain/errors.js';
import type { Viewer } from '../../domain/viewer.js';
import { notFound, requireUuid } from '../../modules/kit/node.js';
import { assertAllowed } from '../../modules/kit/permissions.js';
import type { TokenAuthenticator } from '../../modules/set-token/token-authenticator.js';
import type { Database } from '../../platform/database/client.js';
import type { DistilledSet, Project, Teacher } from '../../platform/database/generated/client.js';

export interface Access {
  database: Database;
  /** Throws UNAUTHENTICATED. A key of any role may read the published sets of its project. */
  authenticate(authorization: string | undefined): Promise<Viewer>;
  tokens: Pick<TokenAuthenticator, 'authenticate'>;
}

export type ServedSet = DistilledSet & { project: Project };

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The set of the URL. Throws UNAUTHENTICATED, NOT_FOUND (another project's as well), INVALID_STATE before it is published. */
export async function servedSet(access: Access, request: Request<{ id: string }>): Promise<ServedSet> {
  const scope = await scopeOf(access, request);
  const { id } = request.params;
  const uuid = UUID.test(id) ? id.toLowerCase() : requireUuid('DistilledSet', id);
  if (scope.setId !== null && scope.setId !== uuid) throw notFound('DistilledSet', id);
  const set = await access.database.distilledSet.findFirst({
    where: { id: uuid, projectId: scope.projectId, deleteAfter: null },
    include: { project: true },
  });
  if (set === null) throw notFound('DistilledSet', id);
  if (set.publishedAt !== null) return set;
  throw new TeddyhubError('INVALID_STATE', `Distilled set ${uuid} is not published yet: publish it, then fetch it.`);
}

/** The teacher of the URL, for a key of its project that may read. Throws UNAUTHENTICATED, FORBIDDEN (a token opens one set), NOT_FOUND. */
export async function servedTeacher(access: Access, request: Request<{ id: string }>): Promise<Teacher> {
  const scope = await scopeOf(access, request);
  if (scope.setId !== null) {
    throw new TeddyhubError('FORBIDDEN', 'A token reads one distilled set and no teacher: use a key of the project.');
  }
  assertAllowed(scope.viewer, 'object:read');
  const { id } = request.params;
  const uuid = UUID.test(id) ? id.toLowerCase() : requireUuid('Teacher', id);
  const teacher = await access.database.teacher.findFirst({
    where: { id: uuid, pool: { projectId: scope.projectId } },
  });
  if (teacher === null) throw notFound('Teacher', id);
  return teacher;
}

async function scopeOf(
  { authenticate, tokens }: Access,
  request: Request,
): Promise<{ projectId: string } & ({ setId: string } | { setId: null; viewer: Viewer })> {
  const credential = credentialOf(request);
  if (credential?.startsWith('tht_')) return tokens.authenticate(credential);
  const viewer = await authenticate(credential === undefined ? undefined : `Bearer ${credential}`);
  return { projectId: viewer.projectId, setId: null, viewer };
}

/**
 * `Bearer <it>`; or the password of Basic, which is what curl, aiohttp and mlcroissant make of `https://any:<it>@host`; or
 * `?token=<token>`. No key is taken from a URL, which ends up in logs: a token opens one set, for a time.
 */
function credentialOf(request: Request): string | undefined {
  const header = request.headers.authorization?.trim();
  const [, scheme = '', value = ''] = /^(\S+)\s+(\S+)$/.exec(header ?? '') ?? [];
  if (scheme.toLowerCase() === 'basic') {
    const [, password = ''] = /^[^:]*:(.*)$/s.exec(Buffer.from(value, 'base64').toString('utf8')) ?? [];
    return password;
  }
  if (header !== undefined) return scheme.toLowerCase() === 'bearer' ? value : header;
  const { token } = request.query;
  return typeof token === 'string' && token.startsWith('tht_') ? token : undefined;
}
