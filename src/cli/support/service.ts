/** How commands find the service that they speak to, and the key for it. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { openTeddyhub, type Teddyhub } from '../../../clients/typescript/src/index.js';
import { TeddyhubError } from '../../domain/errors.js';
import { readServiceUrls } from '../../platform/embedded/services.js';

export interface ServiceOptions {
  url: string;
  key?: string;
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** Whether the service runs on this machine, and sees its files. */
export function isHere(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, username } = new URL(url);
  return /^https?:$/.test(protocol) && LOOPBACK.has(hostname) && username === '';
}

const stateDir = (): string => process.env.TEDDYHUB_STATE_DIR || '.teddyhub';

/** Whether the URL is that of an embedded service of this folder: on another port of this machine may listen anybody. */
const isEmbeddedService = (url: string): boolean =>
  URL.canParse(url) &&
  readServiceUrls(stateDir()).some((own) => {
    const [asked, known] = [new URL(url), new URL(own)];
    return asked.origin === known.origin ? asked.username === '' : isHere(url) && asked.port === known.port;
  });

/** A command that waits longer for an answer looks stuck. */
const PATIENCE_MS = 15_000;

export const withService = (command: Command): Command =>
  command
    .option(
      '--url <url>',
      'the service',
      process.env.TEDDYHUB_URL || readServiceUrls(stateDir())[0] || 'http://127.0.0.1:4000',
    )
    .option('--key <key>', 'an API key (default: TEDDYHUB_KEY, or the key of the embedded service here)');

/** `--key`, TEDDYHUB_KEY, or the key of the embedded service of this folder, which no other service is told. Throws UNAUTHENTICATED. */
export async function keyOf({ key, url }: ServiceOptions): Promise<string> {
  // Of a variable that is not set, `--key "$TEDDYHUB_KEY"` makes an empty one.
  if (key) return key;
  if (process.env.TEDDYHUB_KEY) return process.env.TEDDYHUB_KEY;
  const file = join(stateDir(), 'admin-key');
  const kept = isEmbeddedService(url) ? await readFile(file, 'utf8').catch(() => '') : '';
  if (kept.trim() !== '') return kept.trim();
  const isStopped = existsSync(file) && readServiceUrls(stateDir()).length === 0;
  const reason = isStopped
    ? `; the service of ${stateDir()}, whose key is there, is not running (teddyhub up)`
    : ` (an embedded service that runs there would have left one in ${file})`;
  const hint = isHere(url) ? reason : '';
  throw new TeddyhubError('UNAUTHENTICATED', `No API key: give --key or set TEDDYHUB_KEY${hint}.`);
}

/** A client of the service's API. Throws INVALID_INPUT and UNAUTHENTICATED where none can be made. */
export async function openClient(
  options: ServiceOptions,
  patience: { patienceMs?: number } = {},
): Promise<{ client: Teddyhub; key: string }> {
  if (!/^https?:\/\//.test(options.url) || !URL.canParse(options.url)) {
    throw new TeddyhubError('INVALID_INPUT', `${options.url} is not the URL of a service: it must begin with http://.`);
  }
  const key = await keyOf(options);
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new TeddyhubError('UNAUTHENTICATED', 'The key holds characters that no key has: check --key (TEDDYHUB_KEY).');
  }
  return { client: openTeddyhub({ url: options.url, key, ...patience }), key };
}

/** Runs `work` with a client. Throws UNAVAILABLE where nobody answers in time. */
export async function withClient<T>(
  options: ServiceOptions,
  work: (client: Teddyhub, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { client } = await openClient(options, { patienceMs: PATIENCE_MS });
  const signal = AbortSignal.timeout(PATIENCE_MS);
  try {
    return await work(client, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    const message = `No answer from ${options.url}: check --url and that the service runs.`;
    throw new TeddyhubError('UNAVAILABLE', message, { cause: error });
  } finally {
    await client.close();
  }
}
