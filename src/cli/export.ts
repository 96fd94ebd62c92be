/** `teddyhub export`: a set in another format, out of a pulled folder or straight from the service. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { TeddyhubError } from '../domain/errors.js';
import { EXPORTERS, type ExportFormat, exportSet } from '../formats/exports/index.js';
import { isIntact } from './pull/download.js';
import { wantedShards } from './pull/manifest.js';
import { pull } from './pull.js';
import { startPhase } from './quickstart/progress.js';
import { withScratch } from './support/scratch.js';
import { keyOf, type ServiceOptions, withService } from './support/service.js';
import { readPulledManifest } from './verify.js';

interface Options extends ServiceOptions {
  format: ExportFormat;
  to: string;
  image: 'png' | 'jpeg';
  quality?: number;
  json?: boolean;
}

export function exportCommand(): Command {
  return withService(new Command('export'))
    .description('write a distilled set in another format')
    .argument('<set>', 'the id of a published set, or a folder that `teddyhub pull` made')
    .addOption(
      new Option(
        '--format <format>',
        'class-folders: images and metadata.csv; parquet: as Hugging Face writes it; npz: NumPy; tensors: as images_best.pt, without pickle',
      )
        .choices(Object.keys(EXPORTERS))
        .makeOptionMandatory(),
    )
    .requiredOption('--to <folder>', 'must not be there yet')
    .addOption(new Option('--image <type>', 'of class-folders').choices(['png', 'jpeg']).default('png'))
    .option('--quality <1-100>', 'of JPEG (default: 95)', readQuality)
    .option('--json', 'the result as JSON')
    .action(async (set: string, options: Options) => {
      if (options.image === 'jpeg' && options.format !== 'class-folders') {
        throw new TeddyhubError('INVALID_INPUT', `--image jpeg is of class-folders: ${options.format} loses nothing.`);
      }
      if (options.quality !== undefined && options.image !== 'jpeg') {
        throw new TeddyhubError('INVALID_INPUT', '--quality is of JPEG: say --image jpeg as well.');
      }
      const to = resolve(options.to);
      if (existsSync(to)) {
        throw new TeddyhubError(
          'INVALID_INPUT',
          `${to} is there already: choose another folder with --to, or remove it.`,
        );
      }
      const samples = await withFolder(set, options, (folder) => write(folder, to, options));
      const { format } = options;
      console.log(options.json ? JSON.stringify({ format, folder: to, samples }) : `${samples} samples in ${to}`);
    });
}

/** A verified copy of the set's shards: the folder itself, or one that is fetched and goes again. */
async function withFolder<T>(set: string, options: Options, work: (folder: string) => Promise<T>): Promise<T> {
  if (await isFolder(set)) {
    for (const file of wantedShards(await readPulledManifest(set))) {
      if (await isIntact(join(set, file.path), file)) continue;
      throw new TeddyhubError('OBJECT_CORRUPT', `${join(set, file.path)} is missing or damaged: pull the set again.`);
    }
    return work(set);
  }
  const key = await keyOf(options);
  const scratch = await mkdtemp(join(tmpdir(), 'teddyhub-export-')).catch((error: unknown) => {
    throw explain(error, tmpdir(), 'TMPDIR');
  });
  return withScratch(scratch, async () => {
    await pull({ ...options, id: set, key, to: scratch }, () => undefined, wantedShards);
    return work(scratch);
  });
}

/** The folder appears under its name whole, or not at all. */
async function write(folder: string, to: string, { format, image, quality = 95 }: Options): Promise<number> {
  const manifest = await readPulledManifest(folder);
  const unfinished = join(dirname(to), `.${basename(to)}.${randomUUID()}.part`);
  const phase = process.stderr.isTTY ? startPhase('export') : undefined;
  let samples = 0;
  try {
    await withScratch(unfinished, async () => {
      await mkdir(unfinished, { recursive: true });
      await exportSet(format, { folder, manifest }, unfinished, { image, quality }, () => {
        samples += 1;
        phase?.update(samples / manifest.sampleCount, `${samples} samples`);
      });
      await rename(unfinished, to);
    });
    phase?.done();
    return samples;
  } catch (error) {
    phase?.abandon();
    throw explain(error, to, '--to');
  }
}

function explain(error: unknown, to: string, option: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (error instanceof TeddyhubError || !/^E[A-Z]+$/.test(code)) return error;
  if (['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code)) {
    return new TeddyhubError(
      'STORAGE_FULL',
      `No room left for ${to}: free some space, then run the same command again.`,
    );
  }
  return new TeddyhubError(
    'INVALID_INPUT',
    `${to} cannot be written (${code}): choose another folder with ${option}.`,
    {
      cause: error,
    },
  );
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

function readQuality(text: string): number {
  const quality = Number(text);
  if (Number.isInteger(quality) && quality >= 1 && quality <= 100) return quality;
  throw new TeddyhubError('INVALID_INPUT', `--quality: ${text} is not a whole number from 1 to 100.`);
}
