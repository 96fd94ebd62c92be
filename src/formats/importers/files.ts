/** Image files in a folder or an archive: a place that gives entries, and a layout that makes labelled samples of them. */
import { TeddyhubError } from '../../domain/errors.js';
import type { FilesSource, LAYOUTS } from '../../domain/jobs/dataset-import.js';
import { openPath } from './entries/open.js';
import { classFolders } from './layouts/class-folders.js';
import type { Layout } from './layouts/layout.js';
import { tinyImageNet } from './layouts/tiny-imagenet.js';
import type { SampleReader } from './sample.js';

const READERS: Record<(typeof LAYOUTS)[number], Layout> = {
  CLASS_FOLDERS: classFolders,
  TINY_IMAGENET: tinyImageNet,
};

/** Throws BAD_INPUT_FILE. */
export async function readFiles(source: FilesSource): Promise<SampleReader> {
  const reader = READERS[source.layout](await openPath(source.path), source);
  const { classNames } = source;
  if (classNames === undefined) return reader;
  return {
    ...reader,
    classNames(found) {
      const foreign = [...found].filter((name) => !classNames.includes(name));
      if (foreign.length === 0) return classNames;
      throw new TeddyhubError(
        'BAD_INPUT_FILE',
        `classNames lacks ${foreign.length} of the source's classes, ${foreign.slice(0, 3).join(', ')} among them.`,
      );
    },
  };
}
