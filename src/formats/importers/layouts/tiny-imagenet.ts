/**
 * Tiny-ImageNet as it is published: `wnids.txt` with the classes in order, `train/<wnid>/images/*.JPEG`, `val/images/*.JPEG`
 * with their classes in `val/val_annotations.txt`, and `test/` without labels, which is left out. val is the test split.
 */
import { TeddyhubError } from '../../../domain/errors.js';
import type { FileEntry } from '../entries/entry.js';
import { listedClasses, type Sample } from '../sample.js';
import { splitFolder } from '../splits.js';
import { baseName, imageSample, type Layout, linesOf, partsOf, readText, skipped } from './layout.js';

/** Words for the classes, boxes around objects, images without labels: nothing to import. */
const IGNORED = /(^|\/)(words\.txt|[^/]*_boxes\.txt|test\/.*)$/;
const ELSEWHERE = 'it has no place in the layout of Tiny-ImageNet';

export const tinyImageNet: Layout = (source) => {
  let order: string[] | undefined;
  /** Classes of val's files by name. */
  let annotations: Map<string, string> | undefined;

  /** True where the file was one of the lists. */
  const readList = async (file: FileEntry): Promise<boolean> => {
    const name = baseName(file.path);
    if (name === 'wnids.txt') order = (await readRows(file)).map(([wnid = '']) => wnid);
    else if (name === 'val_annotations.txt') {
      annotations = new Map((await readRows(file)).map(([image = '', wnid = '']) => [image.normalize('NFC'), wnid]));
    } else return false;
    return true;
  };

  const toSample = (file: FileEntry): Sample => {
    const place = splitFolder(file.path);
    const [first = '', second, third] = place?.rest ?? [];
    if (place?.name === 'train' && second === 'images' && third !== undefined) return imageSample(file, 'TRAIN', first);
    return isOfVal(file.path) ? imageSample(file, null, null) : skipped(file, ELSEWHERE);
  };

  return {
    ...partsOf(source),
    async *samples() {
      for await (const entry of source.entries()) {
        if (entry.kind === 'FOLDER') continue;
        if (entry.kind === 'REFUSED') yield skipped(entry, entry.reason);
        else if (!IGNORED.test(entry.path) && !(await readList(entry))) yield toSample(entry);
      }
    },
    classes() {
      if (order !== undefined) return listedClasses(order);
      throw missing('wnids.txt, which names the classes in order');
    },
    resolve(record) {
      // Files that were skipped are asked about as well: a source without a val has them, and needs no annotations.
      if (!isOfVal(record)) return { reason: ELSEWHERE };
      if (annotations === undefined) throw missing('val/val_annotations.txt, which names the classes of val');
      const className = annotations.get(baseName(record));
      return className === undefined
        ? { reason: 'val_annotations.txt does not name it' }
        : { split: 'TEST', className };
    },
  };
};

function isOfVal(path: string): boolean {
  const place = splitFolder(path);
  return place?.name === 'val' && place.rest[0] === 'images' && place.rest.length > 1;
}

const readRows = async (file: FileEntry): Promise<string[][]> =>
  linesOf(await readText(file)).map((line) => line.split('\t').map((field) => field.trim()));

const missing = (what: string): TeddyhubError =>
  new TeddyhubError('BAD_INPUT_FILE', `The source is no whole Tiny-ImageNet: it lacks ${what}.`);
