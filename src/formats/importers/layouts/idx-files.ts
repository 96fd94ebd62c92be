/** The four files of the MNIST family under their published names, each plain or gzipped: `train-images-idx3-ubyte.gz` ... */
import { TeddyhubError } from '../../../domain/errors.js';
import { byteReader } from '../byte-reader.js';
import type { FileEntry } from '../entries/entry.js';
import { idxImages, idxLabels } from '../idx.js';
import { numberedClasses, type RawSample, type Split } from '../sample.js';
import { baseName, type Layout, partsOf, skipped } from './layout.js';

const NAME = /^(?:.*[-_])?(train|t10k|test)[-_](images|labels)[-_.]idx[13][-_]?ubyte(?:\.gz)?$/;

/** What an image is called in the report. */
const RECORD = /^(TRAIN|TEST)#(\d+)$/;
const NO_IDX = 'it is no IDX file by its name';

export const isIdxFile = (path: string): boolean => NAME.test(baseName(path));

export const idxFiles: Layout = (source) => {
  const labels: Partial<Record<Split, Uint8Array>> = {};
  const images: Partial<Record<Split, number>> = {};
  /** Files by what they hold. */
  const files = new Map<string, string>();

  /** False where the same file was there already, gzipped or not. Throws BAD_INPUT_FILE where another one was. */
  function isFirst({ path }: FileEntry, content: string): boolean {
    const first = files.get(content);
    files.set(content, first ?? path);
    if (first === undefined) return true;
    if (path === `${first}.gz` || first === `${path}.gz`) return false;
    throw new TeddyhubError(
      'BAD_INPUT_FILE',
      `${[first, path].sort().join(' and ')} both hold the ${content}: import a folder with only one of them.`,
    );
  }

  async function* readImages(entry: FileEntry, split: Split): AsyncGenerator<RawSample> {
    const reader = byteReader(entry.path, await entry.stream());
    let index = 0;
    try {
      for await (const { pixels, shape } of idxImages(reader, entry.path)) {
        // Its label may lie in a file that comes later.
        yield { kind: 'RAW', record: `${split}#${index}`, split, className: null, pixels, shape };
        index += 1;
      }
    } finally {
      reader.close();
    }
    images[split] = index;
  }

  return {
    ...partsOf(source),
    async *samples() {
      for await (const entry of source.entries()) {
        if (entry.kind === 'FOLDER') continue;
        const [, name, content] = NAME.exec(baseName(entry.path)) ?? [];
        const split = name === 'train' ? 'TRAIN' : 'TEST';
        if (entry.kind === 'REFUSED') yield skipped(entry, entry.reason);
        else if (name === undefined) yield skipped(entry, NO_IDX);
        // torchvision keeps a file beside what it unpacked of it.
        else if (!isFirst(entry, `${content} of the ${split.toLowerCase()} split`)) continue;
        else if (content === 'images') yield* readImages(entry, split);
        else {
          const reader = byteReader(entry.path, await entry.stream());
          labels[split] = await idxLabels(reader, entry.path).finally(() => reader.close());
        }
      }
      for (const split of ['TRAIN', 'TEST'] as const) {
        const count = labels[split]?.length;
        if (count === images[split]) continue;
        throw new TeddyhubError(
          'BAD_INPUT_FILE',
          `The source holds ${images[split] ?? 'no'} images and ${count ?? 'no'} labels of its ${split.toLowerCase()} split.`,
        );
      }
    },
    classes: (found) => numberedClasses(found),
    resolve(record) {
      const [, split, index] = RECORD.exec(record) ?? [];
      const label = labels[split as Split]?.[Number(index)];
      // Files that were skipped are asked about as well, and belong to no split.
      return label === undefined ? { reason: NO_IDX } : { split: split as Split, className: String(label) };
    },
  };
};
