/** A thread that decodes batches of files (decode-pool.ts). */
import { parentPort } from 'node:worker_threads';
import { decodePlainJpeg } from './decode.js';

/** Files, one after the other. */
export interface Batch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where each of them ends. */
  readonly ends: Int32Array;
}

/** Pixels of the images, one after the other. */
export interface DecodedBatch {
  readonly pixels: Uint8Array<ArrayBuffer>;
  /** Height, width and channels of each; zeros of a file that is for somebody else. */
  readonly shapes: Int32Array;
}

/** Answers go out in the order of the batches, and the decoder has one file at a time. */
let before = Promise.resolve();

parentPort?.on('message', (batch: Batch) => {
  before = before.then(async () => {
    const decoded = await decodeBatch(batch);
    parentPort?.postMessage(decoded, [decoded.pixels.buffer]);
  });
});

async function decodeBatch({ bytes, ends }: Batch): Promise<DecodedBatch> {
  const shapes = new Int32Array(3 * ends.length);
  let pixels = new Uint8Array(1 << 18);
  let used = 0;
  for (let i = 0, start = 0; i < ends.length; i++) {
    const end = ends[i] as number;
    const image = await decodePlainJpeg(Buffer.from(bytes.buffer, start, end - start));
    start = end;
    if (image === null) continue;
    if (used + image.pixels.length > pixels.length) {
      const larger = new Uint8Array(2 * pixels.length + image.pixels.length);
      larger.set(pixels);
      pixels = larger;
    }
    pixels.set(image.pixels, used);
    used += image.pixels.length;
    shapes.set([image.height, image.width, image.channels], 3 * i);
  }
  return { pixels, shapes };
}
