/**
 * FKD label files: for each batch of a range of training steps, the views that a student is to see and the ensemble's
 * logits for them. Safetensors, with S steps of B views of k classes:
 *
 * `sample` int32 [S, B]    which sample of the set, in shard order;
 * `box` float32 [S, B, 4]  positions y1, x1, y2, x2, in pixels of the full-size image, of the centres of the view's first and
 *                          last rows and columns: bilinear sampling between them, 0 outside; flips are in `flip`;
 * `flip` uint8 [S, B]      1 where the view is mirrored left to right;
 * `partner` int32 [S, B]   position in the batch whose view fills the mix box;
 * `mix_box` int32 [S, 4]   top, left, bottom, right, in pixels, of the box that the partner fills (empty: none);
 * `lambda` float32 [S]     the share of the view that stays its own: with an empty box, the whole view is
 *                          lambda * its own + (1 - lambda) * the partner's (MixUp);
 * `logits` float16 [S, B, k] raw logits of the finished, mixed view; or, with `classes`, the j largest [S, B, j];
 * `classes` int16 [S, B, j] only where labels are cut to the largest: the class of each logit, largest first. The others
 *                          have probability 0; `class_count` of the metadata says how many classes there are.
 */
import { TeddyhubError } from '../domain/errors.js';
import { floatsOf } from './float16.js';
import { decodeSafetensors, encodeSafetensors, type SafetensorsFile, tensorOfFile } from './safetensors.js';

/** One batch of views, before labelling. */
export interface Views {
  readonly sample: Int32Array;
  readonly box: Float32Array;
  readonly flip: Uint8Array;
  readonly partner: Int32Array;
  readonly mixBox: Int32Array;
  readonly lambda: number;
}

export interface LabelledViews extends Views {
  /** float16 bits [B, k] */
  readonly logits: Uint16Array;
}

const VERSION = '1';

function concat<A extends Int32Array | Float32Array | Uint8Array | Uint16Array>(target: A, parts: readonly A[]): A {
  let offset = 0;
  for (const part of parts) {
    target.set(part, offset);
    offset += part.length;
  }
  return target;
}

/** The least float16: what stands for a logit that was not kept. */
const DROPPED = 0xfbff;

/** Positions of the k largest of a row of float16 bits, largest first; of equals, the earlier. */
function largest(row: Uint16Array, k: number): Int32Array {
  const values = floatsOf(row);
  const order = Int32Array.from(row.keys());
  return order.sort((a, b) => (values[b] as number) - (values[a] as number) || a - b).subarray(0, k);
}

/** Logits [B, classes] with all but the k largest of each view dropped: their probability is 0. 0 keeps all. */
export function keepLargest(logits: Uint16Array, classes: number, k: number): Uint16Array {
  if (k === 0 || k >= classes) return logits;
  const kept = new Uint16Array(logits.length).fill(DROPPED);
  for (let start = 0; start < logits.length; start += classes) {
    const row = logits.subarray(start, start + classes);
    for (const c of largest(row, k)) kept[start + c] = row[c] as number;
  }
  return kept;
}

/** What is stored of logits [n, classes]: all of them, or the `topK` largest with their classes. */
function storedLogits(logits: Uint16Array, shape: readonly number[], classes: number, topK: number) {
  if (topK === 0 || topK >= classes)
    return { logits: { dtype: 'F16' as const, shape: [...shape, classes], data: logits } };
  const views = logits.length / classes;
  const [values, indices] = [new Uint16Array(views * topK), new Int16Array(views * topK)];
  for (let view = 0; view < views; view++) {
    const row = logits.subarray(view * classes, (view + 1) * classes);
    const kept = largest(row, topK);
    indices.set(kept, view * topK);
    kept.forEach((c, i) => {
      values[view * topK + i] = row[c] as number;
    });
  }
  return {
    logits: { dtype: 'F16' as const, shape: [...shape, topK], data: values },
    classes: { dtype: 'I16' as const, shape: [...shape, topK], data: indices },
  };
}

/** Writes consecutive batches of equal size, the first being training step `firstStep`. */
export function encodeLabels(batches: readonly LabelledViews[], firstStep: number, topK = 0): Buffer {
  const steps = batches.length;
  const batch = batches[0]?.sample.length ?? 0;
  const classes = batch === 0 ? 0 : (batches[0]?.logits.length ?? 0) / batch;
  const [i32, f32] = [(n: number) => new Int32Array(n), (n: number) => new Float32Array(n)];
  const all = <A extends Int32Array | Float32Array | Uint8Array | Uint16Array>(
    make: (n: number) => A,
    each: number,
    pick: (views: LabelledViews) => A,
  ) => concat(make(steps * each), batches.map(pick));
  const halves = all(
    (n) => new Uint16Array(n),
    batch * classes,
    ({ logits }) => logits,
  );
  return encodeSafetensors(
    {
      sample: { dtype: 'I32', shape: [steps, batch], data: all(i32, batch, ({ sample }) => sample) },
      box: { dtype: 'F32', shape: [steps, batch, 4], data: all(f32, batch * 4, ({ box }) => box) },
      flip: {
        dtype: 'U8',
        shape: [steps, batch],
        data: all(
          (n) => new Uint8Array(n),
          batch,
          ({ flip }) => flip,
        ),
      },
      partner: { dtype: 'I32', shape: [steps, batch], data: all(i32, batch, ({ partner }) => partner) },
      mix_box: { dtype: 'I32', shape: [steps, 4], data: all(i32, 4, ({ mixBox }) => mixBox) },
      lambda: { dtype: 'F32', shape: [steps], data: Float32Array.from(batches, ({ lambda }) => lambda) },
      ...storedLogits(halves, [steps, batch], classes, topK),
    },
    { format: 'teddyhub-fkd', version: VERSION, first_step: String(firstStep), class_count: String(classes) },
  );
}

/** Reads a label file. Throws OBJECT_CORRUPT where it is malformed or of another version. */
export function decodeLabels(bytes: Uint8Array): { firstStep: number; batches: LabelledViews[] } {
  const file = decodeSafetensors(bytes);
  const firstStep = Number(file.metadata.first_step);
  if (file.metadata.version !== VERSION || !Number.isSafeInteger(firstStep)) {
    throw new TeddyhubError('OBJECT_CORRUPT', 'Not an FKD label file of a version that this Teddyhub reads.');
  }
  const { data: sample, shape } = tensorOfFile(file, 'sample', 'I32', [-1, -1]);
  const [steps, batch] = shape as [number, number];
  if (steps === 0) throw new TeddyhubError('OBJECT_CORRUPT', 'An FKD label file holds no views.');
  const { data: box } = tensorOfFile(file, 'box', 'F32', [steps, batch, 4]);
  const { data: flip } = tensorOfFile(file, 'flip', 'U8', [steps, batch]);
  const { data: partner } = tensorOfFile(file, 'partner', 'I32', [steps, batch]);
  const { data: mixBox } = tensorOfFile(file, 'mix_box', 'I32', [steps, 4]);
  const { data: lambda } = tensorOfFile(file, 'lambda', 'F32', [steps]);
  const logits = readLogits(file, steps, batch);
  const classes = logits.length / Math.max(1, steps * batch);
  const batches = Array.from({ length: steps }, (_, s) => ({
    sample: sample.subarray(s * batch, (s + 1) * batch),
    box: box.subarray(s * batch * 4, (s + 1) * batch * 4),
    flip: flip.subarray(s * batch, (s + 1) * batch),
    partner: partner.subarray(s * batch, (s + 1) * batch),
    mixBox: mixBox.subarray(s * 4, (s + 1) * 4),
    lambda: lambda[s] as number,
    logits: logits.subarray(s * batch * classes, (s + 1) * batch * classes),
  }));
  return { firstStep, batches };
}

/** Logits [steps, batch, classes], flat: those that were not stored are the least there are. */
function readLogits(file: SafetensorsFile, steps: number, batch: number): Uint16Array {
  const { data, shape } = tensorOfFile(file, 'logits', 'F16', [steps, batch, -1]);
  if (!file.tensors.has('classes')) return data;
  const kept = shape[2] as number;
  const { data: indices } = tensorOfFile(file, 'classes', 'I16', [steps, batch, kept]);
  const classes = Number(file.metadata.class_count);
  if (!Number.isSafeInteger(classes) || indices.some((c) => c < 0 || c >= classes)) {
    throw new TeddyhubError('OBJECT_CORRUPT', 'An FKD label file names a class beyond its own count of classes.');
  }
  const logits = new Uint16Array(steps * batch * classes).fill(DROPPED);
  data.forEach((value, i) => {
    logits[Math.floor(i / kept) * classes + (indices[i] as number)] = value;
  });
  return logits;
}
