/** `teddyhub pull`: a published set as a folder of files, every one of them verified. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Command } from 'commander';
import { TeddyhubError } from '../domain/errors.js';
import type { Manifest } from '../domain/manifest.js';
import { relativeCroissant } from '../formats/descriptions/croissant.js';
import { widsBytes } from '../formats/descriptions/wids.js';
import { withRetries } from '../platform/object-store/retry.js';
import { download, isBroken, PATIENCE, type WantedFile, writeWhole } from './pull/download.js';
import { readManifest, wantedFiles } from './pull/manifest.js';
import { openRemote, type Remote, unreachable } from './pull/remote.js';
import { startPhase } from './quickstart/progress.js';
import { keyOf, type ServiceOptions, withService } from './support/service.js';
import { sizeOf } from './support/size.js';

interface PullOptions extends ServiceOptions {
  to?: string;
}

export interface Pulled {
  manifest: Manifest;
  folder: string;
  files: number;
  bytes: number;
  /** Files that were not there yet. */
  fetched: number;
}

export function pullCommand(): Command {
  return withService(new Command('pull'))
    .description('Fetch a published distilled set and verify every byte of it.')
    .argument('<id>', 'the id of the set')
    .option('--to <folder>', 'where to put it (default: a folder named by the set)')
    .option('--json', 'the result as JSON')
    .addHelpText(
      'after',
      '\nFiles that are already there with the right bytes are not fetched again, and one that broke off goes on where it broke.' +
        '\nA token for one set will do in place of a key.',
    )
    .action(async (id: string, { json = false, ...options }: PullOptions & { json?: boolean }) => {
      const pulled = await pull({ ...options, id, key: await keyOf(options) }, (line) => {
        if (!json) console.log(line);
      });
      const { manifest, ...counts } = pulled;
      if (json) console.log(JSON.stringify({ id: manifest.id, digest: manifest.digest, ...counts }));
    });
}

/**
 * Fetches manifest.json, shards, labels and descriptions of the set `id`, into the folder `to` (default: named by the set's
 * UUID). Says one line a file. `filesOf`: which of the manifest's are wanted. Throws what the service says; OBJECT_CORRUPT, which
 * names the file, for bytes that are not those of their digest.
 */
export async function pull(
  options: PullOptions & { id: string; key: string },
  say: (line: string) => void,
  filesOf = wantedFiles,
): Promise<Pulled> {
  const remote = openRemote(options);
  const bytes = await fetchWhole(remote, 'manifest.json');
  const manifest = readManifest(bytes, options.id);
  // Of a variable that is not set, `--to "$FOLDER"` makes an empty one.
  const folder = resolve(options.to || manifest.id);
  await assertOwn(folder, manifest);
  const files = filesOf(manifest);
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  const phase = process.stderr.isTTY ? startPhase('pull') : undefined;
  let fetched = 0;
  let received = 0;
  const onBytes = (count: number) => {
    received += count;
    phase?.update(received / Math.max(1, total), `${sizeOf(received)} of ${sizeOf(total)}`);
  };
  try {
    for (const file of files) {
      const outcome = await download(remote, folder, file, onBytes);
      if (outcome === 'FETCHED') fetched += 1;
      say(lineOf(file, outcome));
    }
    const croissant = relativeCroissant(
      await withRetries(PATIENCE, isBroken, () => fetchWhole(remote, 'croissant.json')),
    );
    await writeWhole(folder, 'croissant.json', Readable.from([croissant]));
    await writeWhole(folder, 'wids.json', Readable.from([widsBytes(manifest)]));
    // The manifest comes last: where it is, all that it names is there.
    await writeWhole(folder, 'manifest.json', Readable.from([bytes]));
    phase?.done();
  } catch (error) {
    phase?.abandon();
    throw error;
  }
  say(`verified  manifest.json  ${sizeOf(bytes.byteLength)}`);
  say(
    `${manifest.name}: ${manifest.sampleCount} samples of ${manifest.classNames.length} classes in ${folder}; ` +
      `${files.length} files, ${sizeOf(total)}, ${fetched} fetched, ${files.length - fetched} already there; ${manifest.digest}`,
  );
  return { manifest, folder, files: files.length, bytes: total, fetched };
}

/** Refuses a folder with the manifest of something else, a web app's or another set's; a damaged one beside shards is ours to repair. Throws INVALID_INPUT. */
async function assertOwn(folder: string, { id }: Manifest): Promise<void> {
  const text = await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => null);
  if (text === null) return;
  const found = idIn(text);
  if (found === id || (found === DAMAGED && existsSync(join(folder, 'shards')))) return;
  const message = `${join(folder, 'manifest.json')} is not of this set: choose another folder with --to.`;
  throw new TeddyhubError('INVALID_INPUT', message);
}

const DAMAGED = Symbol('no JSON');

/** Undefined where it is nothing that a pull has written. */
function idIn(text: string): unknown {
  try {
    return (JSON.parse(text) as { id?: unknown } | null)?.id;
  } catch {
    return DAMAGED;
  }
}

async function fetchWhole(remote: Remote, path: string): Promise<Buffer> {
  const { body } = await remote.open(path);
  return buffer(body).catch((error: unknown) => {
    throw unreachable(path, error);
  });
}

const lineOf = (file: WantedFile, outcome: 'FETCHED' | 'PRESENT'): string =>
  `${outcome === 'FETCHED' ? 'fetched ' : 'present '}  ${file.path}  ${sizeOf(file.bytes)}`;
