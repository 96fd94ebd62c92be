/** Which names an object may have: they become paths, and parts of URLs. */
import { TeddyhubError } from '../../domain/errors.js';

const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
/** What users put there for imports is called as they like; it is read, and never named in a URL. */
const IMPORTS = 'imports/';
const ANY_NAME = /^(?!\.{1,2}$)[^\p{Cc}\\]+$/u;
const MAX_BYTES = 1024;

/** Refuses what could leave the store's folder or needs escaping in a URL: `..`, a leading slash, odd characters. */
export function checkKey(key: string): string {
  const allowed = key.startsWith(IMPORTS) ? ANY_NAME : SEGMENT;
  if (Buffer.byteLength(key) <= MAX_BYTES && key.split('/').every((segment) => allowed.test(segment))) return key;
  throw new TeddyhubError('INVALID_INPUT', `${JSON.stringify(key.slice(0, 80))} is not a valid object key.`);
}

/** The folders of this service. A bucket may hold what is somebody else's: nothing outside of these is ever removed. */
const FOLDERS = [
  'checkpoints',
  'datasets',
  'distilled-sets',
  'doctor',
  'exports',
  'labels',
  'statistics',
  'synthetic',
  'uploads',
] as const;

export const OWNED_PREFIXES: readonly string[] = FOLDERS.map((folder) => `${folder}/`);

export type Folder = (typeof FOLDERS)[number];

export const isOwned = (key: string): boolean => OWNED_PREFIXES.some((prefix) => key.startsWith(prefix));
