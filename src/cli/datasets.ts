/** `teddyhub datasets`: bringing image files into the platform. */
import { readFile, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Teddyhub } from '../../clients/typescript/src/index.js';
import { TeddyhubError } from '../domain/errors.js';
import { LAYOUTS } from '../domain/jobs/dataset-import.js';
import { cancelImport, runImport } from './datasets/import.js';
import { listDatasets, showDataset } from './datasets/show.js';
import { uploadFile } from './datasets/upload.js';
import { isHere, openClient, type ServiceOptions, withService } from './support/service.js';

interface Options extends ServiceOptions {
  name?: string;
  layout?: (typeof LAYOUTS)[number];
  testSplit?: string;
  holdOut?: number;
  label?: string;
  classes?: string;
  size?: { height: number; width: number };
  fit?: 'CROP' | 'PAD' | 'STRETCH';
  channels?: '1' | '3';
  maxSkipped?: number;
  licence?: string;
  upload: boolean;
  prefix: boolean;
  json: boolean;
}

/** Of records that may be left out. */
const share = (text: string): number => {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('It must be a number from 0 to 1.');
};

/** Of images that become the test split: some, and not all. */
const part = (text: string): number => {
  const value = Number(text);
  if (value > 0 && value < 1) return value;
  throw new InvalidArgumentError('It must be a number between 0 and 1.');
};

const size = (text: string): { height: number; width: number } => {
  const [, height, width = height] = /^(\d{1,4})(?:x(\d{1,4}))?$/.exec(text) ?? [];
  if (height !== undefined) return { height: Number(height), width: Number(width) };
  throw new InvalidArgumentError('It must be one number of pixels, or height x width, as 64 or 48x64.');
};

export function datasetsCommand(): Command {
  const command = new Command('datasets').description('bring image files into the platform, and see what is there');
  withService(command.command('list'))
    .description('the datasets of the project, newest first')
    .option('--json', 'as JSON')
    .action(listDatasets);
  withService(command.command('show'))
    .description('one dataset: its classes, what was left out of it, or how far its import is')
    .argument('<id>', 'its id')
    .option('--json', 'as JSON')
    .action(showDataset);
  withService(command.command('cancel'))
    .description('cancel an import that goes on; its dataset can be archived and deleted afterwards')
    .argument('<id>', "the dataset's id")
    .option('--json', 'as JSON')
    .action(cancelImport);
  withService(command.command('import'))
    .description('import a folder, a .tar, .tar.gz or .zip archive, or a Parquet file as a dataset')
    .argument('<place>', 'the folder or file, or with --prefix the objects below imports/<place>/ in the bucket')
    .option('--name <name>', 'what the dataset is called (default: by the place)')
    .addOption(
      new Option('--layout <layout>', 'how files make labelled images (default: told by their names)').choices(LAYOUTS),
    )
    .option('--test-split <name>', 'which split is the test split, where there are several')
    .option('--hold-out <share>', 'share of the training images that becomes the test split, where there is none', part)
    .option('--label <name>', 'which label counts, where there are several')
    .option('--classes <file>', 'a file with the classes in the order of their indices, one a line')
    .option('--size <pixels>', 'bring all images to this size: 64, or height x width as 48x64', size)
    .addOption(new Option('--fit <fit>', 'how they come to it (default: CROP)').choices(['CROP', 'PAD', 'STRETCH']))
    .addOption(new Option('--channels <n>', 'grey (1) or RGB (3) (default: as the images are)').choices(['1', '3']))
    .option('--max-skipped <share>', 'fail where more of the records cannot be used (default: 0.01)', share)
    .option('--licence <licence>', 'goes on into every set distilled from it')
    .option('--upload', 'upload the file even where the service could read it itself', false)
    .option('--prefix', 'the place is a prefix in the bucket of the service', false)
    .option('--json', 'print the dataset as one JSON object', false)
    .action(importPlace);
  return command;
}

async function importPlace(place: string, options: Options): Promise<void> {
  // Before an upload of hours.
  const name = options.name ?? nameOf(place);
  if (!/^(?!\s*$)[^\p{Cc}]{1,200}$/u.test(name)) {
    throw new TeddyhubError('INVALID_INPUT', 'A name has 1 to 200 characters on one line: say another with --name.');
  }
  const { client, key } = await openClient(options);
  const { layout, testSplit, holdOut, label, maxSkipped, fit, channels } = options;
  const files = {
    layout,
    testSplit,
    holdOut,
    label,
    maxSkipped,
    classNames: options.classes === undefined ? undefined : await readClasses(options.classes),
    image: { ...options.size, fit, ...(channels === undefined ? {} : { channels: Number(channels) }) },
  };
  const source = await whereItIs(place, options, key, client);
  const input = {
    name,
    licence: options.licence ?? null,
    source: { kind: source.kind, files: { ...files, ...source.at } },
  };
  await runImport(client, input, options.json);
}

type Where =
  | { kind: 'FILES'; at: { path: string } }
  | { kind: 'UPLOAD'; at: { uploadId: string } }
  | { kind: 'PREFIX'; at: { prefix: string } };

async function whereItIs(
  place: string,
  { url, upload, prefix }: Options,
  key: string,
  client: Teddyhub,
): Promise<Where> {
  if (prefix) return { kind: 'PREFIX', at: { prefix: place } };
  const path = resolve(place);
  const about = await stat(path).catch((cause: unknown) => {
    throw new TeddyhubError('BAD_INPUT_FILE', `There is no readable file or folder ${place}.`, { cause });
  });
  if (isHere(url) && !upload) return { kind: 'FILES', at: { path } };
  if (about.isFile())
    return { kind: 'UPLOAD', at: { uploadId: await uploadFile(client, { url, key }, path, about.size) } };
  throw new TeddyhubError(
    'BAD_INPUT_FILE',
    `${place} is a folder: pack it to upload it (tar -czf data.tar.gz -C '${place}' .).`,
  );
}

const nameOf = (place: string): string =>
  basename(resolve(place)).replace(/\.(tar|tgz|zip|parquet|tar\.gz)$/i, '') || place;

async function readClasses(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new TeddyhubError('BAD_INPUT_FILE', `There is no readable file ${file}.`, { cause });
  });
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => line !== '');
}
