/** `teddyhub pull`: a published set as a folder of files, every one of them verified. */
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Command } from 'commander';
import type { Manifest } from '../domain/manifest.js';
import { download, type WantedFile, writeWhole } from './pull/download.js';
import { readManifest, wantedFiles } from './pull/manifest.js';
import { openRemote, unreachable } from './pull/remote.js';
import { defaultKey } from './service-options.js';

interface PullOptions {
  to?: string;
  url: string;
  key?: string;
}

export function pullCommand(): Command {
  return new Command('pull')
    .description('Fetch a published distilled set and verify every byte of it.')
    .argument('<id>', 'the id of the set')
    .option('--to <folder>', 'where to put it (default: a folder named by the set)')
    .option('--url <url>', 'the service', process.env.TEDDYHUB_URL || 'http://127.0.0.1:4000')
    .option('--key <key>', 'an API key (default: TEDDYHUB_KEY, or the key of the embedded service here)')
    .addHelpText('after', '\nFiles that are already there with the right bytes are not fetched again.')
    .action(async (id: string, options: PullOptions) => {
      await pull({ ...options, id, key: options.key ?? (await defaultKey(options.url)) }, (line) => console.log(line));
    });
}

/**
 * Fetches manifest.json, shards and labels of the set `id`, into the folder `to` (default: named by the set's UUID). Says one line a
 * file. Throws what the service says; OBJECT_CORRUPT, which names the file, for bytes that are not those of their digest.
 */
export async function pull(
  options: PullOptions & { id: string; key: string },
  say: (line: string) => void,
): Promise<{ manifest: Manifest; folder: string }> {
  const remote = openRemote(options);
  const bytes = await remote.open('manifest.json').then((body) => buffer(body).catch(brokenOff));
  const manifest = readManifest(bytes, options.id);
  const folder = resolve(options.to ?? manifest.id);
  let fetched = 0;
  let total = 0;
  const files = wantedFiles(manifest);
  for (const file of files) {
    const outcome = await download(remote, folder, file);
    if (outcome === 'FETCHED') fetched += 1;
    total += file.bytes;
    say(lineOf(file, outcome));
  }
  // The manifest comes last: where it is, all that it names is there.
  await writeWhole(folder, 'manifest.json', Readable.from([bytes]));
  say(`verified  manifest.json  ${sizeOf(bytes.byteLength)}`);
  say(
    `${manifest.name}: ${manifest.sampleCount} samples of ${manifest.classNames.length} classes in ${folder}; ` +
      `${files.length} files, ${sizeOf(total)}, ${fetched} fetched, ${files.length - fetched} already there; ${manifest.digest}`,
  );
  return { manifest, folder };
}

const brokenOff = (error: unknown): never => {
  throw unreachable('manifest.json', error);
};

const lineOf = (file: WantedFile, outcome: 'FETCHED' | 'PRESENT'): string =>
  `${outcome === 'FETCHED' ? 'fetched ' : 'present '}  ${file.path}  ${sizeOf(file.bytes)}`;

function sizeOf(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
