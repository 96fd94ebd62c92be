/** Digests, stamps and writes that are whole or not there. */
import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** SHA-256, hex, of strings and buffers with their lengths, so that no two lists are mistaken for each other. */
export function digest(...parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('hex');
}

export async function digestOfFile(path) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/** Digest of the names and contents of all files at `paths` (files or folders; what is not there counts as empty). */
export function digestOfTree(root, paths, accepts = () => true) {
  const files = paths
    .flatMap((path) => filesBelow(join(root, path)))
    .filter(accepts)
    .sort();
  return digest(...files.flatMap((file) => [relative(root, file), readFileSync(file)]));
}

/** Every file at or below `path`, as full paths. */
export function filesBelow(path) {
  if (!existsSync(path)) return [];
  const entries = readdirSyncOrFile(path);
  if (entries === undefined) return [path];
  return entries.flatMap((entry) => {
    const child = join(path, entry.name);
    return entry.isDirectory() ? filesBelow(child) : [child];
  });
}

function readdirSyncOrFile(path) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (error.code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** The key under which `step` was last finished, or undefined. */
export function readStamp(paths, step) {
  const path = join(paths.stamps, step);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** Written last: a step that was interrupted has no stamp. */
export const writeStamp = (paths, step, key) => writeWhole(join(paths.stamps, step), key);

export const removeStamp = (paths, step) => rmSync(join(paths.stamps, step), { force: true });

export function writeWhole(path, content) {
  const partial = `${path}.${process.pid}`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(partial, content);
  renameSync(partial, path);
}

/** Makes the folder `path` by letting `fill` work on a temporary one; whoever finishes first wins. */
export async function makeFolder(path, fill) {
  if (existsSync(path)) return;
  const partial = `${path}.${process.pid}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  try {
    await fill(partial);
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(path)) throw error;
  }
}
