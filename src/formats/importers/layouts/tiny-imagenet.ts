/**
 * Tiny-ImageNet as it is published: `wnids.txt` with the classes in order, `train/<wnid>/images/*.JPEG`, `val/images/*.JPEG`
 * with their classes in `val/val_annotations.txt`, and `test/` without labels, which is left out. val is the test split.
 */
import { TeddyhubError } from '../../../domain/errors.js';
import type { FileEntry } from '../entries/entry.js';
import type { Sample } from '../sample.js';
import { imageSample, type Layout, MAX_TEXT_BYTES, placeInSplit, skipped } from './layout.js';

/** Without labels, and boxes around objects: nothing to import. */
const IGNORED = /(^|\/)(words\.txt|[^/]*_boxes\.txt|test\/.*)$/;

export const tinyImageNet: Layout = (source) => {
  let order: string[] | undefined;
  /** Classes of val's files by name. */
  let annotations: Map<string, string> | undefined;

  /** True where the file was one of the lists. */
  const readList = async (file: FileEntry): Promise<boolean> => {
    const name = file.path.slice(file.path.lastIndexOf('/') + 1);
    if (name === 'wnids.txt') order = (await readLines(file)).map(([wnid = '']) => wnid);
    else if (name === 'val_annotations.txt') {
      annotations = new Map((await readLines(file)).map(([image = '', wnid = '']) => [image.normalize('NFC'), wnid]));
    } else return false;
    return true;
  };

  return {
    sequential: source.sequential,
    fraction: source.fraction,
    async *samples(): AsyncGenerator<Sample> {
      for await (const entry of source.entries()) {
        if (entry.kind === 'FOLDER') continue;
        if (entry.kind === 'REFUSED') yield skipped(entry, entry.reason);
        else if (!IGNORED.test(entry.path) && !(await readList(entry))) {
          const place = placeInSplit(entry.path);
          const [first = '', second, third] = place?.rest ?? [];
          if (place?.isTrain && second === 'images' && third !== undefined) yield imageSample(entry, 'TRAIN', first);
          else if (place?.folder === 'val' && first === 'images' && second !== undefined) {
            yield imageSample(entry, null, null);
          } else yield skipped(entry, 'it has no place in the layout of Tiny-ImageNet');
        }
      }
    },
    classNames() {
      if (order !== undefined) return order;
      throw missing('wnids.txt, which names the classes in order');
    },
    resolve(record) {
      if (annotations === undefined) throw missing('val/val_annotations.txt, which names the classes of val');
      const className = annotations.get(record.slice(record.lastIndexOf('/') + 1));
      return className === undefined
        ? { reason: 'val_annotations.txt does not name it' }
        : { split: 'TEST', className };
    },
  };
};

async function readLines(file: FileEntry): Promise<string[][]> {
  const text = (await file.read(MAX_TEXT_BYTES)).toString('utf8');
  return text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line) => line.split('\t').map((field) => field.trim()));
}

const missing = (what: string): TeddyhubError =>
  new TeddyhubError('BAD_INPUT_FILE', `The source is no whole Tiny-ImageNet: it lacks ${what}.`);
