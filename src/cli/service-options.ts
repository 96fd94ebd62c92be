/** Where the service is and with which key it is asked, for the commands that are its clients. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TeddyhubError } from '../domain/errors.js';

const LOOPBACK = /^https?:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?:[:/]|$)/;

/** Whether the service runs on this machine, and sees its files. */
export const isHere = (url: string): boolean => LOOPBACK.test(url);

/** TEDDYHUB_KEY, or the key of the embedded service of this folder, which no other machine is told. Throws UNAUTHENTICATED. */
export async function defaultKey(url: string): Promise<string> {
  if (process.env.TEDDYHUB_KEY) return process.env.TEDDYHUB_KEY;
  const file = join(process.env.TEDDYHUB_STATE_DIR || '.teddyhub', 'admin-key');
  const kept = isHere(url) ? await readFile(file, 'utf8').catch(() => '') : '';
  if (kept.trim() !== '') return kept.trim();
  const hint = isHere(url) ? ` (an embedded service would have left one in ${file})` : '';
  throw new TeddyhubError('UNAUTHENTICATED', `No API key: give --key or set TEDDYHUB_KEY${hint}.`);
}
