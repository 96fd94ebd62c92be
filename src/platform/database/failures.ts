/** Telling a database that is away for a while from a statement that took too long, and from one that will never work. */

import { TeddyhubError } from '../../domain/errors.js';

/** Prisma: not reachable, timed out, connection closed, no connection or transaction to be had in time, lost to a deadlock. */
const PRISMA_CODES = new Set(['P1001', 'P1002', 'P1008', 'P1011', 'P1017', 'P2024', 'P2028', 'P2034']);
/** Node: the socket. */
const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
]);
/**
 * Postgres: connection exceptions, a disk that is full, too many connections, shutting down, crashed, starting up, not yet consistent;
 * and read-only, as a primary is that another one has replaced. Not a lack of memory: one statement may want more than there ever is.
 */
const SQLSTATES = /^(08...|53[13]00|57P0[1235]|25006)$/;
const MESSAGES =
  /connection terminated|timeout exceeded when trying to connect|server has closed the connection|client has encountered a connection error|can't reach database server|connection ended/i;

/** The address of the database at `url`, without its password. */
export const addressOf = (url: string): string => {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
};

export const noDatabaseAnswers = (url: string, cause: unknown): TeddyhubError =>
  new TeddyhubError('UNAVAILABLE', `No database answers at ${addressOf(url)}: start it, or check DATABASE_URL.`, {
    cause,
  });
export const noSuchDatabase = (url: string, cause: unknown): TeddyhubError =>
  new TeddyhubError('UNAVAILABLE', `There is no database ${addressOf(url)}: create it, or check DATABASE_URL.`, {
    cause,
  });
export const loginRefused = (url: string, cause: unknown): TeddyhubError =>
  new TeddyhubError('BAD_CONFIGURATION', `${addressOf(url)} refuses the user or password in DATABASE_URL.`, { cause });

/** Which hosts may connect, and whether in the clear, is in pg_hba.conf. Its SQLSTATE is that of a login that is refused. */
export const isHostRefused = (error: unknown): boolean =>
  someCause(
    error,
    () => false,
    (message) => /pg_hba\.conf/.test(message),
  );

export const hostRefused = (url: string, cause: unknown): TeddyhubError =>
  new TeddyhubError(
    'BAD_CONFIGURATION',
    `${addressOf(url)} refuses this host, or a connection without TLS: add sslmode=require to DATABASE_URL, or change pg_hba.conf.`,
    { cause },
  );

/** By SQLSTATE, why a database that answers does not do the work now, and what to do; `at` is its address where it may be told. */
const HINDRANCES: Record<string, { code: 'STORAGE_FULL' | 'UNAVAILABLE'; line: (at: string) => string }> = {
  '53100': {
    code: 'STORAGE_FULL',
    line: () => 'The disk of the database is full: free some space, then retry.',
  },
  '53200': {
    code: 'UNAVAILABLE',
    line: (at) => `The database${at} has no memory left: give it more, or retry in a moment.`,
  },
  '53300': {
    code: 'UNAVAILABLE',
    line: (at) => `The database${at} takes no more connections: raise its max_connections, or retry in a moment.`,
  },
  '25006': {
    code: 'UNAVAILABLE',
    line: (at) => `The database${at} is read-only: point DATABASE_URL at the primary.`,
  },
};

/** What hinders a database that answers, in one line; undefined where nothing does. Clients are not told `url`. */
export function hindranceOf(error: unknown, url?: string): TeddyhubError | undefined {
  const found = Object.entries(HINDRANCES).find(([state]) => someCause(error, (sign) => sign === state));
  if (found === undefined) return undefined;
  const { code, line } = found[1];
  return new TeddyhubError(code, line(url === undefined ? '' : ` at ${addressOf(url)}`), { cause: error });
}

/** What keeps a process from working on the database at `url`, in one line; what is unknown comes back as it is. */
export function explainDatabase(error: unknown, url: string): unknown {
  // It says what is wrong already, as of an object store that does not answer.
  if (error instanceof TeddyhubError) return error;
  const says = (...signs: string[]) => someCause(error, (sign) => signs.includes(sign));
  if (isHostRefused(error)) return hostRefused(url, error);
  if (says('28P01', '28000', 'P1000', 'P1010')) return loginRefused(url, error);
  if (says('3D000', 'P1003')) return noSuchDatabase(url, error);
  if (says('42P01', 'P2021')) {
    const problem =
      'lacks the tables of Teddyhub: run node scripts/migrate.mjs deploy (teddyhub up does it by itself).';
    return new TeddyhubError('INVALID_STATE', `${addressOf(url)} ${problem}`, { cause: error });
  }
  return hindranceOf(error, url) ?? (isDatabaseUnavailable(error) ? noDatabaseAnswers(url, error) : error);
}

/** Postgres: canceled, by statement_timeout or because the request's time was over. */
const CANCELED = /^57014$/;

/** Whether the same statement may work once the database is back, or has room again. */
export function isDatabaseUnavailable(error: unknown): boolean {
  return someCause(
    error,
    (sign) => PRISMA_CODES.has(sign) || SOCKET_CODES.has(sign) || SQLSTATES.test(sign),
    (message) => MESSAGES.test(message),
  );
}

/** Whether the statement took longer than it may. */
export const isStatementCanceled = (error: unknown): boolean => someCause(error, (sign) => CANCELED.test(sign));

/** Postgres: a zero byte, or a character that its encoding has not; and in JSON, half of a surrogate pair. */
const REFUSED_TEXT = /^22(021|P05)$/;
const REFUSED_JSON = /invalid input syntax for type json|unsupported unicode escape/i;

/** Whether a text among the values is one that Postgres does not store. */
export const isTextRefused = (error: unknown): boolean =>
  someCause(
    error,
    (sign) => REFUSED_TEXT.test(sign),
    (message) => REFUSED_JSON.test(message),
  );

export const TEXT_REFUSED = 'A text holds a zero byte or half of a character, which cannot be stored: leave it out.';

function someCause(
  error: unknown,
  isSign: (sign: string) => boolean,
  isMessage: (message: string) => boolean = () => false,
): boolean {
  for (let cause: unknown = error; typeof cause === 'object' && cause !== null; ) {
    const { code, originalCode, message } = cause as { code?: unknown; originalCode?: unknown; message?: unknown };
    if ([code, originalCode].some((sign) => typeof sign === 'string' && isSign(sign))) return true;
    if (typeof message === 'string' && isMessage(message)) return true;
    const { meta } = cause as { meta?: { driverAdapterError?: unknown } };
    cause = meta?.driverAdapterError ?? (cause as { cause?: unknown }).cause;
  }
  return false;
}
