/**
 * Class folders: `train/<class>/...`, and `val/<class>/...` or `test/<class>/...`, perhaps below one folder that holds
 * everything. Classes are ordered by code points, as in torchvision's ImageFolder.
 */
import { TeddyhubError } from '../../../domain/errors.js';
import type { Sample } from '../sample.js';
import { byCodePoint, imageSample, type Layout, placeInSplit, skipped } from './layout.js';

export const classFolders: Layout = (source, { testFolder }) => {
  /** Folders of test splits that hold classes. */
  const tests = new Set<string>();
  const named = new Set<string>();
  return {
    sequential: source.sequential,
    fraction: source.fraction,
    async *samples(): AsyncGenerator<Sample> {
      for await (const entry of source.entries()) {
        const place = placeInSplit(entry.path);
        const [className, ...below] = place?.rest ?? [];
        if (entry.kind === 'FOLDER') {
          // A class is there even where it has no image: that is for the one who imports to see.
          if (place?.isTrain && className !== undefined && below.length === 0) named.add(className);
          continue;
        }
        const split = place === null ? null : place.isTrain ? 'TRAIN' : 'TEST';
        if (entry.kind === 'REFUSED') {
          yield skipped(entry, entry.reason, split);
        } else if (place === null || className === undefined || below.length === 0) {
          yield skipped(entry, 'it lies in no class folder of train, val or test', split);
        } else if (place.isTrain) {
          yield imageSample(entry, 'TRAIN', className);
        } else if (testFolder === null || testFolder === place.folder) {
          tests.add(place.folder);
          if (tests.size > 1) throw ambiguous(tests);
          yield imageSample(entry, 'TEST', className);
        }
      }
    },
    classNames: (found) => [...new Set([...named, ...found])].sort(byCodePoint),
  };
};

function ambiguous(folders: ReadonlySet<string>): TeddyhubError {
  const names = [...folders].sort();
  return new TeddyhubError(
    'BAD_INPUT_FILE',
    `The source has several test splits (${names.join(', ')}): say with testFolder which one to measure accuracy on.`,
  );
}
