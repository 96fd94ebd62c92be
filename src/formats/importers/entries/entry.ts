/** What lies in a folder, an archive or a prefix: named entries, in whatever order the place gives them. */
import type { Readable } from 'node:stream';
import { UnusableRecord } from '../sample.js';
import { type Blob, copyToBlob } from './blob.js';

export interface FileEntry {
  readonly kind: 'FILE';
  /** Relative, slash-separated, in Unicode's NFC, without `.` and `..`. */
  readonly path: string;
  /** All of its bytes. Throws UnusableRecord where it holds more than `maxBytes`. */
  read(maxBytes: number): Promise<Buffer>;
  stream(): Promise<Readable>;
  /** Where the place can read in pieces. */
  blob?(): Promise<Blob>;
}

export interface FolderEntry {
  readonly kind: 'FOLDER';
  readonly path: string;
}

/** An entry that is not safe to read. */
export interface RefusedEntry {
  readonly kind: 'REFUSED';
  readonly path: string;
  readonly reason: string;
}

/** Why links are refused: they could lead anywhere. What an archive's link leads to is not looked at. */
export const LINK = 'a link, not a file';
export const FOLDER_LINK = 'a link to a folder, which is not followed';

export type Entry = FileEntry | FolderEntry | RefusedEntry;

export interface EntrySource {
  /** True where an entry must be read before the next one is asked for. */
  readonly sequential: boolean;
  /** Each call begins anew. Throws BAD_INPUT_FILE where the place itself is broken. */
  entries(): AsyncIterable<Entry>;
  /** How much of it has been gone through since the last beginning, 0 to 1. */
  fraction(): number;
  close(): Promise<void>;
}

/** The entry as a file that can be read in pieces, copied into `scratch` where its place can only stream. */
export const blobOf = async (entry: FileEntry, scratch: string): Promise<Blob> =>
  entry.blob === undefined ? copyToBlob(await entry.stream(), entry.path, scratch) : entry.blob();

const DRIVE = /^[A-Za-z]:/;
// What operating systems leave beside the files of their users.
const LITTER = new Set(['__MACOSX', 'Thumbs.db', 'desktop.ini']);

/** The path as entries have it, or why an entry of that name is refused. */
export function normalisePath(name: string): { path: string } | { reason: string } {
  if (name.includes('\0')) return { reason: 'its name holds a zero byte' };
  // What decoders make of bytes that are none: two names may have become one.
  if (name.includes('\ufffd')) return { reason: 'its name is no UTF-8' };
  if (name.startsWith('/') || name.startsWith('\\') || DRIVE.test(name)) return { reason: 'its path is absolute' };
  const segments = name.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.some((segment) => segment.split('\\').includes('..'))) {
    return { reason: 'its path leads out of the archive' };
  }
  return { path: segments.join('/').normalize('NFC') };
}

/** Hidden files and what operating systems leave behind are nobody's data. */
export const isLitter = (path: string): boolean =>
  path.split('/').some((segment) => segment.startsWith('.') || LITTER.has(segment));

export const tooLarge = (bytes: number, maxBytes: number): UnusableRecord =>
  new UnusableRecord(`it holds ${bytes} bytes, more than the ${maxBytes} that one such file may have`);
