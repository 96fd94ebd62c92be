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

/** Names that are looked at: an archive of any size is told by its beginning. */
const LOOK_AT = 20_000;
/** The first that a name of the source speaks for wins: class folders look like many other things. */
const SIGNS: readonly (readonly [Layout, (path: string) => boolean])[] = [
  ['TINY_IMAGENET', (path) => /(^|\/)(wnids|val_annotations)\.txt$|(^|\/)train\/[^/]+\/images\//.test(path)],
  ['CIFAR_BINARY', isCifarFile],
  ['IDX', isIdxFile],
  ['HUGGING_FACE', isParquet],
  ['WEBDATASET', (path) => isShard(path) || isLabelOfSample(path)],
  ['MANIFEST', isList],
  ['CLASS_FOLDERS', (path) => path.includes('/') && /\.(jpe?g|png|webp)$/i.test(baseName(path))],
];

/** Throws BAD_INPUT_FILE where no layout fits. */
export async function detectLayout(source: EntrySource): Promise<Layout> {
  let best = SIGNS.length;
  let seen = 0;
  for await (const { kind, path } of source.entries()) {
    if (kind !== 'FILE') continue;
    const sign = SIGNS.findIndex(([, speaksFor]) => speaksFor(path));
    if (sign >= 0 && sign < best) best = sign;
    seen += 1;
    if (best === 0 || seen === LOOK_AT) break;
  }
  const found = SIGNS[best];
  if (found !== undefined) return found[0];
  if (seen === 0) throw new TeddyhubError('BAD_INPUT_FILE', 'There are no files in the source.');
  const files = seen === 1 ? 'one file' : `${seen} files`;
  throw new TeddyhubError(
    'BAD_INPUT_FILE',
    `The layout of the source cannot be told from its ${files}: say which it is (${SIGNS.map(([name]) => name).join(', ')}).`,
  );
}
