/** Image files: a place that gives entries, and a layout that makes labelled samples of them. */
import type { FilesSource, Layout } from '../../domain/jobs/dataset-import.js';
import type { ObjectStore } from '../../platform/object-store/object-store.js';
import { detectLayout, type Guess } from './detect.js';
import type { EntrySource } from './entries/entry.js';
import { openObject, openPath } from './entries/open.js';
import { openPrefix } from './entries/prefix.js';
import { cifarBinary } from './layouts/cifar-binary.js';
import { classFolders } from './layouts/class-folders.js';
import { huggingFace } from './layouts/hugging-face.js';
import { idxFiles } from './layouts/idx-files.js';
import type { Layout as LayoutReader } from './layouts/layout.js';
import { manifest } from './layouts/manifest.js';
import { tinyImageNet } from './layouts/tiny-imagenet.js';
import { webDataset } from './layouts/webdataset.js';
import { type ClassList, inGivenOrder, type SampleReader } from './sample.js';
import { splitChooser } from './splits.js';

const READERS: Record<Layout, LayoutReader> = {
  CLASS_FOLDERS: classFolders,
  TINY_IMAGENET: tinyImageNet,
  IDX: idxFiles,
  CIFAR_BINARY: cifarBinary,
  WEBDATASET: webDataset,
  HUGGING_FACE: huggingFace,
  MANIFEST: manifest,
};

/** Of the others the splits are as they are. */
const USES_SPLITS: ReadonlySet<Layout> = new Set(['CLASS_FOLDERS', 'WEBDATASET', 'HUGGING_FACE', 'MANIFEST']);

/** Opens a source and answers its layout with the reader, and what else it might be. Throws BAD_INPUT_FILE. */
export async function readFiles(
  source: FilesSource,
  store: ObjectStore,
  scratch: string,
): Promise<{ reader: SampleReader; layout: Layout; guess: Guess }> {
  const place = await open(source, store);
  try {
    const guess = source.layout === 'AUTO' ? await detectLayout(place) : { layout: source.layout, others: [] };
    const { layout } = guess;
    const choose = splitChooser(source.testSplit);
    const reader = READERS[layout](place, { choose, label: source.label, scratch });
    const { classNames } = source;
    const classes = (found: ReadonlySet<string>): ClassList => {
      if (USES_SPLITS.has(layout)) choose.assertFound();
      const own = reader.classes(found);
      return classNames === undefined ? own : inGivenOrder(own, classNames);
    };
    return { layout, reader: { ...reader, classes }, guess };
  } catch (error) {
    await place.close();
    throw error;
  }
}

function open(source: FilesSource, store: ObjectStore): Promise<EntrySource> {
  switch (source.kind) {
    case 'FILES':
      return openPath(source.path);
    case 'OBJECT':
      return openObject(store, source.key, source.name);
    case 'PREFIX':
      return openPrefix(store, source.prefix);
  }
}
