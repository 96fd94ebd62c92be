/**
 * CIFAR's binary version. CIFAR-10: records of one label and 3 x 32 x 32 bytes, channel after channel, in
 * `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`, names in `batches.meta.txt`. CIFAR-100: a coarse label before
 * the fine one, in `train.bin` and `test.bin`, names in `coarse_label_names.txt` and `fine_label_names.txt`.
 */
import { TeddyhubError } from '../../../domain/errors.js';
import { byteReader } from '../byte-reader.js';
import type { FileEntry } from '../entries/entry.js';
import { numberedClasses, type RawSample, type Split } from '../sample.js';
import { baseName, type Layout, linesOf, partsOf, readText, skipped } from './layout.js';

const SHAPE = { height: 32, width: 32, channels: 3 };
const PLANE = 32 * 32;
const BATCH = 256;
const FILES: readonly { name: RegExp; split: Split; labels: 1 | 2 }[] = [
  { name: /^data_batch_\d+\.bin$/, split: 'TRAIN', labels: 1 },
  { name: /^test_batch\.bin$/, split: 'TEST', labels: 1 },
  { name: /^train\.bin$/, split: 'TRAIN', labels: 2 },
  { name: /^test\.bin$/, split: 'TEST', labels: 2 },
];
const NAMES = ['batches.meta.txt', 'fine_label_names.txt', 'coarse_label_names.txt'];
const IGNORED = /^(readme\.html|batches\.meta)$/i;

export const isCifarFile = (path: string): boolean => FILES.some(({ name }) => name.test(baseName(path)));

export const cifarBinary: Layout = (source, { label }) => {
  if (label !== null && label !== 'fine' && label !== 'coarse') {
    throw new TeddyhubError('INVALID_INPUT', `CIFAR has no label ${label}: fine and coarse are known.`);
  }
  const namesFile = label === 'coarse' ? 'coarse_label_names.txt' : 'fine_label_names.txt';
  const names = new Map<string, string[]>();

  async function* records(entry: FileEntry, split: Split, labels: 1 | 2): AsyncGenerator<RawSample> {
    const recordBytes = labels + 3 * PLANE;
    const reader = byteReader(entry.path, await entry.stream());
    try {
      for (let index = 0; ; ) {
        const batch = await reader.read(BATCH * recordBytes);
        if (batch.byteLength % recordBytes !== 0) {
          throw new TeddyhubError(
            'BAD_INPUT_FILE',
            `${entry.path}: it does not end with a whole record of ${recordBytes} bytes.`,
          );
        }
        for (let at = 0; at < batch.byteLength; at += recordBytes, index++) {
          const pixels = interleave(batch.subarray(at + labels, at + recordBytes));
          const className = String(batch[at + (labels === 2 && label !== 'coarse' ? 1 : 0)]);
          yield { kind: 'RAW', record: `${entry.path}#${index}`, split, className, pixels, shape: SHAPE };
        }
        if (batch.byteLength < BATCH * recordBytes) return;
      }
    } finally {
      reader.close();
    }
  }

  return {
    ...partsOf(source),
    async *samples() {
      for await (const entry of source.entries()) {
        if (entry.kind === 'FOLDER') continue;
        const name = baseName(entry.path);
        const file = FILES.find((known) => known.name.test(name));
        if (entry.kind === 'REFUSED') yield skipped(entry, entry.reason);
        else if (NAMES.includes(name)) names.set(name, linesOf(await readText(entry)));
        else if (file !== undefined) yield* records(entry, file.split, file.labels);
        else if (!IGNORED.test(name)) yield skipped(entry, "it has no place in CIFAR's binary layout");
      }
    },
    classes: (found) => numberedClasses(found, names.get('batches.meta.txt') ?? names.get(namesFile)),
  };
};

/** From planes of red, green and blue to pixels. */
function interleave(planes: Uint8Array): Uint8Array {
  const pixels = new Uint8Array(3 * PLANE);
  for (let i = 0; i < PLANE; i++) {
    pixels[3 * i] = planes[i] ?? 0;
    pixels[3 * i + 1] = planes[PLANE + i] ?? 0;
    pixels[3 * i + 2] = planes[2 * PLANE + i] ?? 0;
  }
  return pixels;
}
