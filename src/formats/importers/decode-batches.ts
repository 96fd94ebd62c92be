/** Small JPEG files on their way through the decode pool, many at once; what the pool does not take goes through libvips. */
import type { ImagePreparation } from '../../domain/jobs/dataset-import.js';
import { type DecodedImage, isAsWanted, isJpeg } from './decode.js';
import { openDecodePool } from './jpeg/decode-pool.js';
import { inParallel } from './window.js';

const BATCH = 64;
/** Enough for every thread to have one in work and one waiting. */
const BATCHES = 6;
/** Larger files are hardly images as small as the pool takes. */
const MOST_BYTES = 1 << 16;

export interface SmallFile<T> {
  readonly file: Buffer;
  readonly of: T;
}

/** `keep` is told what became of a file, `decode` what is to be done about it elsewhere. Their pixels are valid until they return. */
export function openBatches<T>(
  preparation: ImagePreparation,
  keep: (image: DecodedImage, of: T) => void,
  decode: (file: Buffer, of: T) => Promise<void>,
) {
  const pool = openDecodePool();
  const running = inParallel(BATCHES);
  let waiting: SmallFile<T>[] = [];
  let isWorthwhile = true;

  const run = async (batch: readonly SmallFile<T>[]) => {
    const images = await pool.decode(batch.map(({ file }) => file));
    let kept = 0;
    for (const [i, { file, of }] of batch.entries()) {
      const image = images[i];
      if (image === null || image === undefined || !isAsWanted(image, preparation)) {
        await decode(file, of);
        continue;
      }
      keep(image, of);
      kept += 1;
    }
    // All of them are of another size than is wanted, or of another kind: so will be the next.
    if (kept === 0) isWorthwhile = false;
  };
  const flush = async () => {
    const batch = waiting;
    waiting = [];
    if (batch.length > 0) await running.start(() => run(batch));
  };

  return {
    takes: (file: Buffer): boolean => isWorthwhile && file.length <= MOST_BYTES && isJpeg(file),
    async add(file: Buffer, of: T): Promise<void> {
      waiting.push({ file, of });
      if (waiting.length >= BATCH) await flush();
    },
    async finish(): Promise<void> {
      await flush();
      await running.finish();
    },
    async close(): Promise<void> {
      await running.settle();
      await pool.close();
    },
  };
}
