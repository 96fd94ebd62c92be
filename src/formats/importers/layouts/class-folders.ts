/**
 * Class folders: `train/<class>/...`, and `val/<class>/...` or `test/<class>/...`, perhaps below one folder that holds
 * everything. Where no folder names a split, the folder that an image lies in is its class, and all of it is for training: then
 * a folder called `train` or `test` is a class like others.
 * Classes are ordered by code points, as in torchvision's ImageFolder.
 */
import { TeddyhubError } from '../../../domain/errors.js';
import type { Entry, FileEntry } from '../entries/entry.js';
import { type Sample, sortedClasses } from '../sample.js';
import { deepTestFolder, isSplit, splitFolder } from '../splits.js';
import { imageSample, type Layout, partsOf, skipped } from './layout.js';

export const classFolders: Layout = (source, { choose }) => {
  /** Folders of classes, with images or without. */
  const named = new Set<string>();
  let hasSplits = false;
  /** A file of a test split that lies too deep to count as one. */
  let tooDeep: string | undefined;

  function toSample(file: FileEntry): Sample | null {
    const place = splitFolder(file.path);
    const segments = place?.rest ?? file.path.split('/').slice(-2);
    const [className] = segments;
    if (className === undefined) return skipped(file, 'it lies in no folder of a class');
    if (place === null && segments.length < 2) return skipped(file, 'it lies in no folder of a class');
    if (place === null && deepTestFolder(file.path, 2) !== null) tooDeep ??= file.path;
    // Folders of splits may come later.
    if (place === null || segments.length < 2) return imageSample(file, null, null);
    hasSplits = true;
    const split = choose(place.name);
    return split === null ? null : imageSample(file, split, className);
  }

  /** A class is there even where it has no image: that is for the one who imports to see. */
  function noteClass({ path }: Entry): void {
    const place = splitFolder(`${path}/`);
    const [className = '', ...below] = (place?.rest ?? []).filter((segment) => segment !== '');
    if (place !== null && className !== '' && below.length === 0 && choose(place.name) === 'TRAIN')
      named.add(className);
  }

  return {
    ...partsOf(source),
    async *samples() {
      for await (const entry of source.entries()) {
        if (entry.kind === 'FOLDER') noteClass(entry);
        else if (entry.kind === 'REFUSED') yield skipped(entry, entry.reason);
        else {
          const sample = toSample(entry);
          if (sample !== null) yield sample;
        }
      }
    },
    resolve(record) {
      if (hasSplits && splitFolder(record) !== null) return { reason: 'it lies in no folder of a class' };
      if (hasSplits) return { reason: 'it lies in no folder of a split, as others do' };
      if (tooDeep !== undefined) throw deepSplit(tooDeep);
      return { split: 'TRAIN', className: record.split('/').at(-2) ?? '' };
    },
    classes(found) {
      if (!hasSplits && found.size > 0 && [...found].every(isSplit)) {
        const folders = [...found].sort().join(', ');
        const message = `The folders ${folders} are splits by their names, and hold images in no folders of classes.`;
        throw new TeddyhubError('BAD_INPUT_FILE', message);
      }
      return sortedClasses(new Set([...named, ...found]));
    },
  };
};

function deepSplit(path: string): TeddyhubError {
  const { name, above } = deepTestFolder(path, 2) ?? { name: '', above: '' };
  const message = `${path}: ${name} is a split by its name, and lies too deep to count as one: import ${above} itself, or make the archive there (tar -C ${above}).`;
  return new TeddyhubError('BAD_INPUT_FILE', message);
}
