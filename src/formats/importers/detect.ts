/** Tells the layout of a source by the names of its files. */
import { TeddyhubError } from '../../domain/errors.js';
import type { Layout } from '../../domain/jobs/dataset-import.js';
import type { EntrySource } from './entries/entry.js';
import { isCifarFile } from './layouts/cifar-binary.js';
import { isParquet } from './layouts/hugging-face.js';
import { isIdxFile } from './layouts/idx-files.js';
import { baseName } from './layouts/layout.js';
import { isList } from './layouts/manifest.js';
import { isLabelOfSample, isShard } from './layouts/webdataset.js';

type Sign = readonly [Layout, (path: string) => boolean];

/** Names that are looked at: an archive of any size is told by its beginning. */
const LOOK_AT = 20_000;
/** The first that a name of the source speaks for wins: class folders look like many other things. */
const SIGNS: readonly [Sign, ...Sign[]] = [
  ['TINY_IMAGENET', (path) => /(^|\/)(wnids|val_annotations)\.txt$|(^|\/)train\/[^/]+\/images\//.test(path)],
  ['CIFAR_BINARY', isCifarFile],
  ['IDX', isIdxFile],
  ['HUGGING_FACE', isParquet],
  ['WEBDATASET', (path) => isShard(path) || isLabelOfSample(path)],
  ['MANIFEST', isList],
  ['CLASS_FOLDERS', (path) => path.includes('/') && /\.(jpe?g|png|webp)$/i.test(baseName(path))],
];

export interface Guess {
  readonly layout: Layout;
  /** Layouts that names of the source speak for as well. */
  readonly others: readonly Layout[];
}

/** Throws BAD_INPUT_FILE where no layout fits. */
export async function detectLayout(source: EntrySource): Promise<Guess> {
  const spokenFor = new Set<Layout>();
  let seen = 0;
  for await (const { kind, path } of source.entries()) {
    if (kind !== 'FILE') continue;
    for (const [layout, speaksFor] of SIGNS) {
      if (!spokenFor.has(layout) && speaksFor(path)) spokenFor.add(layout);
    }
    seen += 1;
    if (spokenFor.has(SIGNS[0][0]) || seen === LOOK_AT) break;
  }
  const [layout, ...others] = SIGNS.map(([name]) => name).filter((name) => spokenFor.has(name));
  if (layout !== undefined) return { layout, others };
  if (seen === 0) throw new TeddyhubError('BAD_INPUT_FILE', 'There are no files in the source.');
  const files = seen === 1 ? 'one file' : `${seen} files`;
  throw new TeddyhubError(
    'BAD_INPUT_FILE',
    `The layout of the source cannot be told from its ${files}: say which it is (${SIGNS.map(([name]) => name).join(', ')}).`,
  );
}

/** What went wrong, with the guess that it may come from: another layout, and the source may be whole. */
export function withGuess(error: unknown, { layout, others }: Guess): unknown {
  if (!(error instanceof TeddyhubError) || error.code !== 'BAD_INPUT_FILE' || others.length === 0) return error;
  const guess = `It was read as ${layout} by the names of its files, which speak for ${others.join(' and ')} as well: say with layout (--layout) which it is.`;
  return new TeddyhubError(error.code, `${error.message} ${guess}`, { cause: error });
}
