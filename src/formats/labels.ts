/**
 * FKD label files: for each batch of a range of training steps, the views that a student is to see and the ensemble's
 * logits for them. Safetensors, with S steps of B views of k classes:
 *
 * `sample` int32 [S, B]    which sample of the set, in shard order;
 * `box` float32 [S, B, 4]  positions y1, x1, y2, x2, in pixels of the full-size image, of the centres of the view's first and
 *                          last rows and columns: bilinear sampling between them, 0 outside; flips are in `flip`;
 * `flip` uint8 [S, B]      1 where the view is mirrored left to right;
 * `partner` int32 [S, B]   position in the batch whose view fills the mix box;
 * `mix_box` int32 [S, 4]   top, left, bottom, right, in pixels, of the box that the partner fills (empty: no mix);
 * `lambda` float32 [S]     the share of the view that stays its own;
 * `logits` float16 [S, B, k] raw logits of the finished, mixed view.
 */
import { TeddyhubError } from '../domain/errors.js';
import { decodeSafetensors, encodeSafetensors, tensorOfFile } from './safetensors.js';

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

/** Writes consecutive batches of equal size, the first being training step `firstStep`. */
export function encodeLabels(batches: readonly LabelledViews[], firstStep: number): Buffer {
  const steps = batches.length;
  const batch = batches[0]?.sample.length ?? 0;
  const classes = batch === 0 ? 0 : (batches[0]?.logits.length ?? 0) / batch;
  const [i32, f32] = [(n: number) => new Int32Array(n), (n: number) => new Float32Array(n)];
  const all = <A extends Int32Array | Float32Array | Uint8Array | Uint16Array>(
    make: (n: number) => A,
    each: number,
    pick: (views: LabelledViews) => A,
  ) => concat(make(steps * each), batches.map(pick));
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
      logits: {
        dtype: 'F16',
        shape: [steps, batch, classes],
        data: all(
          (n) => new Uint16Array(n),
          batch * classes,
          ({ logits }) => logits,
        ),
      },
    },
    { format: 'teddyhub-fkd', version: VERSION, first_step: String(firstStep) },
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
  const { data: box } = tensorOfFile(file, 'box', 'F32', [steps, batch, 4]);
  const { data: flip } = tensorOfFile(file, 'flip', 'U8', [steps, batch]);
  const { data: partner } = tensorOfFile(file, 'partner', 'I32', [steps, batch]);
  const { data: mixBox } = tensorOfFile(file, 'mix_box', 'I32', [steps, 4]);
  const { data: lambda } = tensorOfFile(file, 'lambda', 'F32', [steps]);
  const { data: logits, shape: logitsShape } = tensorOfFile(file, 'logits', 'F16', [steps, batch, -1]);
  const classes = logitsShape[2] as number;
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
