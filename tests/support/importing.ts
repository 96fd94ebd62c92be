/** Imports files into a store of the test's own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JOB_CONTRACTS, type JobResult } from '../../src/domain/jobs/contracts.js';
import { datasetSource } from '../../src/domain/jobs/dataset-import.js';
import { readSplit } from '../../src/formats/dataset-splits.js';
import type { ObjectStore } from '../../src/platform/object-store/object-store.js';
import { openObjectStore } from '../../src/platform/object-store/open-object-store.js';
import { importDataset } from '../../workers/jobs/dataset-import.js';
import { type FileTree, writeTree } from './images.js';
import { type RecordedContext, recordedContext } from './recorded-context.js';

type Options = Record<string, unknown>;

export interface Importing {
  readonly folder: string;
  readonly store: ObjectStore;
  readonly context: RecordedContext;
  /** A path in the folder that nobody has yet. */
  place(name?: string): string;
  runSource(source: Options): Promise<JobResult<'DATASET_IMPORT'>>;
  run(path: string, options?: Options): Promise<JobResult<'DATASET_IMPORT'>>;
  runTree(tree: FileTree, options?: Options): Promise<JobResult<'DATASET_IMPORT'>>;
  /** The first byte of every image with its label, sorted: images of tests are of one colour. */
  pairs(shards: JobResult<'DATASET_IMPORT'>['train']): Promise<[number, number][]>;
  close(): Promise<void>;
}

export async function openImporting(): Promise<Importing> {
  const folder = await mkdtemp(join(tmpdir(), 'teddyhub-import-'));
  const store = await openObjectStore({ kind: 'folder', path: join(folder, 'objects') });
  const context = { ...recordedContext(store), scratch: join(folder, 'scratch') };
  let made = 0;
  const place = (name = '') => join(folder, `${made++}${name}`);
  // As a worker does before it reports a result: one that breaks its contract fails the test as it would fail the task.
  const runSource = async (source: Options) =>
    JOB_CONTRACTS.DATASET_IMPORT.result.parse(await importDataset({ source: datasetSource.parse(source) }, context));
  const run = (path: string, options: Options = {}) => runSource({ kind: 'FILES', path, ...options });
  return {
    folder,
    store,
    context,
    place,
    runSource,
    run,
    runTree: async (tree, options = {}) => run(await writeTree(place(), tree), options),
    async pairs(shards) {
      const { images, labels, count } = await readSplit(store, shards);
      const pairs = [...labels].map((label, i): [number, number] => [images[(i * images.length) / count] ?? -1, label]);
      return pairs.sort(([a], [b]) => a - b);
    },
    close: () => rm(folder, { recursive: true }),
  };
}
