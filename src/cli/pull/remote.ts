/** The data plane as its client sees it: answers are bytes, or one of the failures that the service names. */
import type { ReadableStream } from 'node:stream/web';
import { z } from 'zod';
import { FAILURE_CODES, type FailureCode, TeddyhubError } from '../../domain/errors.js';

export interface Remote {
  /**
   * A file of the set by its path below the set's URL, from a byte on where the server can; else from 0, as `from` says. Throws what the service says, UNAVAILABLE where nobody answers.
   */
  open(path: string, from?: number): Promise<{ body: ReadableStream<Uint8Array>; from: number }>;
}

const problem = z.object({ error: z.object({ code: z.string(), message: z.string(), requestId: z.string() }) });

/** `id` is a global id or a UUID; `url` is the service's, `key` an API key. Throws INVALID_INPUT for what is not a URL. */
export function openRemote(options: { url: string; key: string; id: string }): Remote {
  if (!/^https?:\/\//.test(options.url) || !URL.canParse(options.url)) {
    throw new TeddyhubError('INVALID_INPUT', `${options.url} is not the URL of a service: it must begin with http://.`);
  }
  if (!/^[\x21-\x7e]+$/.test(options.key)) {
    throw new TeddyhubError(
      'UNAUTHENTICATED',
      'The key holds characters that no key has: check --key or TEDDYHUB_KEY.',
    );
  }
  const base = `${options.url.replace(/\/+$/, '')}/v1/distilled-sets/${encodeURIComponent(options.id)}`;
  return {
    async open(path, from = 0) {
      const range: Record<string, string> = from === 0 ? {} : { range: `bytes=${from}-` };
      const url = `${base}/${path}`;
      const first = await ask(url, { authorization: `Bearer ${options.key}`, ...range });
      // The key is for the service alone: a presigned URL needs none, and some stores refuse a request that carries two.
      const location = first.status >= 300 && first.status < 400 ? first.headers.get('location') : null;
      if (location !== null) assertElsewhere(url, location, options.url);
      const answer = location === null ? first : await ask(new URL(location, url).href, range);
      const partial = answer.status === 206 && from > 0;
      if ((answer.status !== 200 && !partial) || answer.body === null) throw await refusal(answer, path);
      return { body: answer.body as ReadableStream<Uint8Array>, from: partial ? from : 0 };
    },
  };
}

/** A service that moved, or that is asked without TLS, would be sent no key where it is now, and miss it. Throws INVALID_INPUT. */
function assertElsewhere(url: string, location: string, service: string): void {
  const from = new URL(url);
  const to = new URL(location, url);
  if (to.pathname !== from.pathname || to.origin === from.origin) return;
  const there = to.origin + new URL(service).pathname.replace(/\/+$/, '');
  const message = `${from.origin} sends everything on to ${there}: give that as --url (TEDDYHUB_URL).`;
  throw new TeddyhubError('INVALID_INPUT', message);
}

async function ask(url: string, headers: Record<string, string>): Promise<Response> {
  try {
    return await fetch(url, { headers, redirect: 'manual' });
  } catch (error) {
    throw unreachable(new URL(url).origin, error);
  }
}

async function refusal(answer: Response, path: string): Promise<TeddyhubError> {
  const text = await answer.text().catch(() => '');
  const parsed = problem.safeParse(asJson(text));
  const { origin } = new URL(answer.url);
  if (!parsed.success) {
    const message = `${origin} answers ${answer.status} for ${path}: neither a Teddyhub service nor its object store says so: check --url.`;
    return new TeddyhubError('UNAVAILABLE', message);
  }
  const { code, message, requestId } = parsed.data.error;
  const known = code in FAILURE_CODES ? (code as FailureCode) : 'INTERNAL';
  return new TeddyhubError(known, answer.status >= 500 ? `${message} (request ${requestId})` : message);
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Nobody answered, or the answer broke off. */
export function unreachable(what: string, error: unknown): TeddyhubError {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const said = cause instanceof Error ? cause.message : String(cause);
  // A port that belongs to another protocol is refused by fetch itself: nobody was asked.
  if (said === 'bad port') {
    return new TeddyhubError('INVALID_INPUT', `${what} has a port that HTTP may not use: check --url.`, {
      cause: error,
    });
  }
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : said;
  const message = `No complete answer from ${what} (${code}): check --url and that the service runs, then run the same command again.`;
  return new TeddyhubError('UNAVAILABLE', message, { cause: error });
}
