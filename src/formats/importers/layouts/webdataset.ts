/**
 * WebDataset shards: tar files in which the members of one sample lie side by side and share their name up to its first dot.
 * The image is `.jpg`, `.jpeg`, `.png` or `.webp`; the label is `.cls` (a number, or the class by name) or a field of `.json`
 * (by default `label`). The source is one shard, or a folder or an archive of shards. A shard's split is what its path says,
 * or training.
 */
import type { Entry, FileEntry } from '../entries/entry.js';
import { openTar } from '../entries/tar.js';
import { labelledClasses, type Sample, type Split, UnusableRecord } from '../sample.js';
import { splitWord } from '../splits.js';
import { baseName, type Layout, MAX_IMAGE_BYTES, partsOf, skipped } from './layout.js';

const SHARD = /\.(tar|tar\.gz|tgz)$/i;
const IMAGE = new Set(['jpg', 'jpeg', 'png', 'webp']);
const MAX_LABEL_BYTES = 1 << 20;

export const isShard = (path: string): boolean => SHARD.test(path);
export const isLabelOfSample = (path: string): boolean => keyOf(path).extension === 'cls';

interface Group {
  readonly key: string;
  image?: { record: string; bytes: Buffer };
  /** Of the .cls, and of the .json. */
  cls?: string;
  json?: string | undefined;
  fault?: string;
}

export const webDataset: Layout = (source, { choose, label }) => {
  async function add(group: Group, entry: FileEntry, extension: string, record: string): Promise<void> {
    try {
      if (IMAGE.has(extension)) {
        if (group.image) throw new UnusableRecord('the sample has several images');
        group.image = { record, bytes: await entry.read(MAX_IMAGE_BYTES) };
      } else if (extension === 'cls') group.cls = (await entry.read(MAX_LABEL_BYTES)).toString('utf8').trim();
      else if (extension === 'json') group.json = labelIn(await entry.read(MAX_LABEL_BYTES), label ?? 'label');
    } catch (error) {
      if (!(error instanceof UnusableRecord)) throw error;
      group.fault = error.message;
    }
  }

  /** The samples among members of one shard, which lie below `prefix` in the words of the report. */
  async function* group(members: AsyncIterable<Entry>, prefix: string, split: Split): AsyncGenerator<Sample> {
    let current: Group | undefined;
    for await (const entry of members) {
      if (entry.kind === 'FOLDER') continue;
      const record = prefix + entry.path;
      if (entry.kind === 'REFUSED') {
        yield skipped({ path: record }, entry.reason, split);
      } else if (prefix === '' && isShard(entry.path)) {
        yield* shard(entry);
      } else {
        const { key, extension } = keyOf(entry.path);
        if (current !== undefined && current.key !== key) yield toSample(current, label, prefix, split);
        if (current === undefined || current.key !== key) current = { key };
        await add(current, entry, extension, record);
      }
    }
    if (current !== undefined) yield toSample(current, label, prefix, split);
  }

  async function* shard(entry: FileEntry): AsyncGenerator<Sample> {
    const split = choose(splitWord(entry.path));
    if (split === null) return;
    const archive = {
      name: entry.path,
      bytes: 0,
      gzipped: !/\.tar$/i.test(entry.path),
      stream: () => entry.stream(),
      close: async () => undefined,
    };
    yield* group(openTar(archive).entries(), `${entry.path}/`, split);
  }

  return {
    ...partsOf(source),
    // Members of a shard are read as they come, wherever the shard lies.
    sequential: true,
    samples: () => group(source.entries(), '', 'TRAIN'),
    classes: labelledClasses,
  };
};

/** A field that was asked for is the label, or there is none; else the .cls is, and where there is none, the .json's. */
function toSample(
  { key, image, cls, json, fault }: Group,
  field: string | null | undefined,
  prefix: string,
  split: Split,
): Sample {
  const path = image?.record ?? prefix + key;
  const label = field ? json : cls || json;
  if (fault !== undefined) return skipped({ path }, fault, split);
  if (image === undefined) return skipped({ path }, 'the sample has no image', split);
  if (label === undefined || label === '') return skipped({ path }, 'the sample has no label', split);
  return { kind: 'ENCODED', record: path, split, className: label, read: async () => image.bytes };
}

/** The folder is part of the key, and only the name's own dots count. */
function keyOf(path: string): { key: string; extension: string } {
  const name = baseName(path);
  const dot = name.indexOf('.');
  if (dot < 0) return { key: path, extension: '' };
  return { key: path.slice(0, path.length - name.length + dot), extension: name.slice(dot + 1).toLowerCase() };
}

function labelIn(json: Buffer, field: string): string | undefined {
  try {
    const value: unknown = (JSON.parse(json.toString('utf8')) as Record<string, unknown>)[field];
    return typeof value === 'number' || typeof value === 'string' ? String(value).trim() : undefined;
  } catch (cause) {
    throw new UnusableRecord('its .json cannot be read', { cause });
  }
}
