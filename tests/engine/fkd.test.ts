import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { labelConfig } from '../../src/domain/config/run.js';
import type { JobPayload, JobResult } from '../../src/domain/jobs/contracts.js';
import { floatsOf } from '../../src/formats/float16.js';
import { decodeLabels, type LabelledViews, type Views } from '../../src/formats/labels.js';
import { decodeSafetensors, tensorOfFile } from '../../src/formats/safetensors.js';
import { label } from '../../workers/jobs/labeling.js';
import type { FrozenNetwork } from '../../workers/nn/frozen.js';
import { drawViews, gatherImages, type HostImages, renderViews, viewsInOrder } from '../../workers/nn/views.js';
import { loadTeacher, readSynthetic } from '../../workers/teddy/dataset.js';
import { tf } from '../../workers/tensor/tensorflow.js';
import { recordedContext } from '../support/recorded-context.js';
import { type ReferenceNetwork, referenceForward } from '../support/reference-convnet.js';
import { sampleAt } from '../support/reference-views.js';
import { referenceOf, type TinyWorld, tinyImages, tinyWorld } from '../support/tiny-engine.js';
import { keptContext, labelingPayload, runPipeline } from '../support/tiny-jobs.js';

const shape = { height: 8, width: 8, channels: 1 };

/** Replays a batch of views as src/formats/labels.ts describes them, in float64: [B, 8, 8] as fractions. */
function replay(set: HostImages<Uint8Array>, views: Views): Float64Array {
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

describe('labels of a set', () => {
  let world: TinyWorld;
  let set: HostImages<Uint8Array>;
  let batches: LabelledViews[];
  let teachers: ReferenceNetwork[];
  let payload: JobPayload<'LABELING'>;
  let stored: JobResult<'LABELING'>;

  /** Mean logits of the ensemble in float64. */
  const expectedOf = (views: Views): number[] => {
    const { mean, std } = world.dataset;
    const data = replay(set, views).map((pixel) => (pixel - (mean[0] ?? 0)) / (std[0] ?? 1));
    const each = teachers.map(
      (teacher) => referenceForward(teacher, { data, n: views.sample.length, ...shape }).logits,
    );
    return Array.from(each[0] ?? [], (_, i) => each.reduce((sum, logits) => sum + (logits[i] ?? 0), 0) / each.length);
  };
  const assertStored = (logits: Uint16Array, expected: readonly number[]) => {
    assert.equal(logits.length, expected.length);
    for (const [i, found] of floatsOf(logits).entries()) {
      // Half a unit in the last place of float16, and what float32 adds.
      const error = Math.abs(found - (expected[i] ?? Number.NaN)) / Math.max(1, Math.abs(expected[i] ?? 0));
      assert.ok(error < 1e-3, `${found} against ${expected[i]}`);
    }
  };

  before(async () => {
    world = await tinyWorld(shape);
    const { teachers: pool, synthesis } = await runPipeline(world);
    const ensemble: FrozenNetwork[] = [];
    for (const teacher of pool) ensemble.push(await loadTeacher(world.store, world.dataset, teacher));
    teachers = ensemble.map(referenceOf);
    payload = labelingPayload(world, pool, [synthesis.images]);
    stored = await label(payload, keptContext(world.store));
    batches = decodeLabels(await world.store.get(stored.fkd[0]?.key ?? '')).batches;
    const { data, shape: size } = tensorOfFile(
      decodeSafetensors(await world.store.get(synthesis.images.key)),
      'images',
      'U8',
    );
    set = { images: data, height: size[1] ?? 0, width: size[2] ?? 0, channels: size[3] ?? 0 };
  });
  after(() => world.close());

  it('are, with FKD, what the ensemble says of the stored view, replayed in float64', () => {
    for (const views of batches.slice(0, 20)) assertStored(views.logits, expectedOf(views));
  });

  it('are, with STATIC, the mean of what it says of every sample under each of the unmixed views', async () => {
    const samples = 24;
    const { config, seed } = payload;
    assert.equal(config.staticViews, 2);
    const each = [0, 1].map((pass) => expectedOf(viewsInOrder(config, shape, { seed, pass, start: 0, n: samples })));
    const file = decodeSafetensors(await world.store.get(stored.static.key));
    const mean = (each[0] ?? []).map((logit, i) => (logit + (each[1]?.[i] ?? Number.NaN)) / 2);
    assertStored(tensorOfFile(file, 'logits', 'F16', [samples, 3]).data, mean);
  });

  it('are of the same images where those are too many for memory and lie in a file', async () => {
    const context = recordedContext(world.store);
    const images = [...payload.images, ...payload.images];
    const [inMemory, inFile] = [await readSynthetic(context, images), await readSynthetic(context, images, 0)];
    assert.ok(inMemory.set.images instanceof Uint8Array && !(inFile.set.images instanceof Uint8Array));
    assert.deepEqual([inFile.samples, inFile.set.height, inFile.set.width], [48, 4, 4]);
    const every = Int32Array.from({ length: 48 }, (_, i) => 47 - i);
    const [there, here] = [inFile, inMemory].map((of) => tf.tidy(() => gatherImages(of.set, every).dataSync()));
    assert.deepEqual(there, here);
  });

  it('come, with FKD, with views that differ: crops, flips, mixes, every sample', () => {
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
