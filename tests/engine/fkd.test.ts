import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { labelConfig } from '../../src/domain/config.js';
import { floatsOf } from '../../src/formats/float16.js';
import { decodeLabels, type LabelledViews } from '../../src/formats/labels.js';
import { decodeSafetensors, tensorOfFile } from '../../src/formats/safetensors.js';
import { label } from '../../workers/jobs/labeling.js';
import type { FrozenNetwork } from '../../workers/nn/frozen.js';
import { drawViews, type HostImages, renderViews } from '../../workers/nn/views.js';
import { loadTeacher } from '../../workers/teddy/dataset.js';
import { tf } from '../../workers/tensor/tensorflow.js';
import { type ReferenceNetwork, referenceForward } from '../support/reference-convnet.js';
import { referenceOf, type TinyWorld, tinyImages, tinyWorld } from '../support/tiny-engine.js';
import { keptContext, labelingPayload, runPipeline } from '../support/tiny-jobs.js';

const shape = { height: 8, width: 8, channels: 1 };

/** A view's pixel at a position, bilinear, 0 beyond the image's outermost centres. */
function sampleAt(image: Float64Array, side: number, y: number, x: number): number {
  if (y < 0 || x < 0 || y > side - 1 || x > side - 1) return 0;
  const [top, left] = [Math.floor(y), Math.floor(x)];
  const at = (row: number, column: number) => image[Math.min(row, side - 1) * side + Math.min(column, side - 1)] ?? 0;
  const [dy, dx] = [y - top, x - left];
  const upper = at(top, left) * (1 - dx) + at(top, left + 1) * dx;
  const lower = at(top + 1, left) * (1 - dx) + at(top + 1, left + 1) * dx;
  return upper * (1 - dy) + lower * dy;
}

/** Replays a batch of views as src/formats/labels.ts describes them, in float64: [B, 8, 8] as fractions. */
function replay(set: HostImages<Uint8Array>, views: LabelledViews): Float64Array {
  const side = shape.height;
  const enlarged = (index: number) => {
    const cell = set.height;
    const small = Float64Array.from(
      set.images.subarray(index * cell ** 2, (index + 1) * cell ** 2),
      (byte) => byte / 255,
    );
    const centre = (i: number) => Math.min(cell - 1, Math.max(0, ((i + 0.5) * cell) / side - 0.5));
    return Float64Array.from({ length: side ** 2 }, (_, i) =>
      sampleAt(small, cell, centre(Math.floor(i / side)), centre(i % side)),
    );
  };
  const cropped = Array.from(views.sample, (sample, b) => {
    const image = enlarged(sample);
    const [y1, x1, y2, x2] = views.box.subarray(4 * b, 4 * b + 4) as unknown as [number, number, number, number];
    return Float64Array.from({ length: side ** 2 }, (_, i) => {
      const column = views.flip[b] === 1 ? side - 1 - (i % side) : i % side;
      const y = y1 + (Math.floor(i / side) * (y2 - y1)) / (side - 1);
      return sampleAt(image, side, y, x1 + (column * (x2 - x1)) / (side - 1));
    });
  });
  const [top, left, bottom, right] = views.mixBox as unknown as [number, number, number, number];
  return Float64Array.from({ length: cropped.length * side ** 2 }, (_, at) => {
    const [b, i] = [Math.floor(at / side ** 2), at % side ** 2];
    const [y, x] = [Math.floor(i / side), i % side];
    const inside = y >= top && y < bottom && x >= left && x < right;
    return cropped[inside ? (views.partner[b] ?? 0) : b]?.[i] ?? Number.NaN;
  });
}

describe('FKD labels', () => {
  let world: TinyWorld;
  let set: HostImages<Uint8Array>;
  let batches: LabelledViews[];
  let teachers: ReferenceNetwork[];

  before(async () => {
    world = await tinyWorld(shape);
    const { teachers: pool, synthesis } = await runPipeline(world);
    const ensemble: FrozenNetwork[] = [];
    for (const teacher of pool) ensemble.push(await loadTeacher(world.store, world.dataset, teacher));
    teachers = ensemble.map(referenceOf);
    const payload = labelingPayload(world, pool, [synthesis.images]);
    const { fkd } = await label(payload, keptContext(world.store));
    batches = decodeLabels(await world.store.get(fkd[0]?.key ?? '')).batches;
    const { data, shape: stored } = tensorOfFile(
      decodeSafetensors(await world.store.get(synthesis.images.key)),
      'images',
      'U8',
    );
    set = { images: data, height: stored[1] ?? 0, width: stored[2] ?? 0, channels: stored[3] ?? 0 };
  });
  after(() => world.close());

  it('are what the ensemble says of the stored view, replayed in float64', () => {
    const { mean, std } = world.dataset;
    for (const views of batches.slice(0, 20)) {
      const n = views.sample.length;
      const data = replay(set, views).map((pixel) => (pixel - (mean[0] ?? 0)) / (std[0] ?? 1));
      const each = teachers.map((teacher) => referenceForward(teacher, { data, n, ...shape }).logits);
      for (const [i, stored] of floatsOf(views.logits).entries()) {
        const expected = each.reduce((sum, logits) => sum + (logits[i] ?? Number.NaN), 0) / each.length;
        // Half a unit in the last place of float16, and what float32 adds.
        const error = Math.abs(stored - expected) / Math.max(1, Math.abs(expected));
        assert.ok(error < 1e-3, `${stored} against ${expected}`);
      }
    }
  });

  it('come with views that differ: crops, flips, mixes, every sample', () => {
    const all = <T>(pick: (views: LabelledViews) => Iterable<T>) => batches.flatMap((views) => [...pick(views)]);
    assert.equal(new Set(all(({ sample }) => sample)).size, 24);
    assert.deepEqual(new Set(all(({ flip }) => flip)), new Set([0, 1]));
    const mixed = batches.filter(({ lambda }) => lambda < 1).length;
    assert.ok(mixed > batches.length / 2, `${mixed} of ${batches.length} batches are mixed`);
    assert.ok(new Set(all(({ box }) => box)).size > 100);
  });
});

describe('views', () => {
  const config = labelConfig.parse({ cropScaleMin: 0.3 });
  const place = { seed: 3, samples: 10, batchSize: 16 };
  const drawn = Array.from({ length: 50 }, (_, step) => drawViews(config, shape, { ...place, step }));

  it('depend on the seed and the step alone', () => {
    assert.deepEqual(drawViews(config, shape, { ...place, step: 7 }), drawn[7]);
    assert.notDeepEqual(drawViews(config, shape, { ...place, seed: 4, step: 7 }), drawn[7]);
  });

  it('crop within the image, in the shares of area and the aspects that are asked for', () => {
    for (const { box } of drawn) {
      for (let i = 0; i < box.length; i += 4) {
        const [y1, x1, y2, x2] = box.subarray(i, i + 4) as unknown as [number, number, number, number];
        assert.ok(y1 >= 0 && x1 >= 0 && y2 <= 7.00001 && x2 <= 7.00001);
        const [rows, columns] = [y2 - y1 + 1, x2 - x1 + 1];
        // Clamping to the image can only lower the area of an oblong crop: by 4 / 3 at most.
        assert.ok(rows * columns >= (0.3 * 64 * 3) / 4 - 1e-3 && rows * columns <= 64.001);
        assert.ok(rows / columns > 0.749 && rows / columns < 1.334);
      }
    }
  });

  it('say with lambda which share of the pixels stays', () => {
    for (const { mixBox, lambda } of drawn) {
      const [top, left, bottom, right] = mixBox as unknown as [number, number, number, number];
      assert.ok(Math.abs(lambda - (1 - ((bottom - top) * (right - left)) / 64)) < 1e-12);
      assert.ok(top >= 0 && left >= 0 && bottom <= 8 && right <= 8);
    }
  });

  it('show every sample equally often over whole epochs', () => {
    const counts = new Array<number>(10).fill(0);
    for (const { sample } of drawn) for (const i of sample) counts[i] = (counts[i] ?? 0) + 1;
    assert.deepEqual(counts, new Array(10).fill(80));
  });

  it('leave an image as it is where box and mix say so', () => {
    const set = tinyImages(shape, 2, 2, 1);
    const views = {
      sample: Int32Array.of(1, 0),
      box: Float32Array.of(0, 0, 7, 7, 0, 0, 7, 7),
      flip: Uint8Array.of(0, 0),
      partner: Int32Array.of(1, 0),
      mixBox: new Int32Array(4),
      lambda: 1,
    };
    const rendered = tf.tidy(() => renderViews(set, shape, views).dataSync<'float32'>());
    const expected = [...set.images.subarray(64), ...set.images.subarray(0, 64)];
    for (const [i, byte] of expected.entries()) assert.ok(Math.abs(255 * (rendered[i] ?? 0) - byte) < 1e-3);
  });
});
