import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { labelConfig, storedSteps } from '../../src/domain/config/run.js';
import { random } from '../../src/domain/random.js';
import { floatsOf, halvesOf } from '../../src/formats/float16.js';
import { decodeLabels, encodeLabels, keepLargest, type LabelledViews } from '../../src/formats/labels.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/formats/safetensors.js';
import { forwardFrozen, freeze } from '../../workers/nn/frozen.js';
import { augmentationBoxes, drawViews, gatherImages, normalize, renderViews } from '../../workers/nn/views.js';
import { chooseCrops, cutCrops, type WantedCrops } from '../../workers/teddy/baselines.js';
import { type Labeller, labelViews, staticLabels } from '../../workers/teddy/labels.js';
import { crop } from '../../workers/tensor/kernels/index.js';
import { tf } from '../../workers/tensor/tensorflow.js';
import { failureWith } from '../support/failure.js';
import { tinyImages, tinyTeacher } from '../support/tiny-engine.js';

const shape = { height: 8, width: 8, channels: 1 };
const normalization = { mean: [0.4], std: [0.3] };
const set = tinyImages(shape, 30, 3, 1);
const experts = [1, 2].map((seed) => ({ frozen: tinyTeacher(shape, 3, 2, seed).frozen, accuracy: 70 + 10 * seed }));
const breathe = async () => undefined;
const place = { seed: 1, step: 0, samples: 30, batchSize: 16 };
const views = drawViews(labelConfig.parse({}), shape, place);

const logitsOf = (ensemble: Labeller['ensemble'], weighting: Labeller['weighting'] = 'PLAIN') =>
  floatsOf(labelViews({ ensemble, weighting, shape, normalization }, set, views, 0).logits);

describe('an ensemble labels', () => {
  const [first, second] = experts.map((expert) => logitsOf([expert])) as [Float32Array, Float32Array];
  const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
  const assertMean = (weighting: Labeller['weighting'], a: number, b: number) => {
    for (const [i, value] of logitsOf(experts, weighting).entries()) {
      const expected = a * (first[i] ?? 0) + b * (second[i] ?? 0);
      assert.ok(Math.abs(value - expected) < 5e-3 * Math.max(1, Math.abs(expected)), `${value}, not ${expected}`);
    }
  };

  it('by the mean of the logits', () => assertMean('PLAIN', 0.5, 0.5));

  it('by the mean after bringing every teacher to the mean norm', () => {
    const mean = (norm(first) + norm(second)) / 2;
    assertMean('NORM_BALANCED', mean / norm(first) / 2, mean / norm(second) / 2);
  });

  it('by weights that grow with accuracy: ten points more count e times as much', () => {
    assertMean('ACCURACY', 1 / (1 + Math.E), Math.E / (1 + Math.E));
  });
});

describe('labels of more views than go through a teacher at once', () => {
  it('are those of every view on its own', () => {
    const place = { seed: 1, step: 0, samples: 30, batchSize: 300 };
    const all = drawViews(labelConfig.parse({ mix: 'NONE' }), shape, place);
    const labeller: Labeller = { ensemble: experts, weighting: 'PLAIN', shape, normalization };
    const logits = floatsOf(labelViews(labeller, set, all, 0).logits);
    assert.equal(logits.length, 900);
    for (const first of [0, 200]) {
      const part = {
        ...all,
        sample: all.sample.subarray(first, first + 100),
        box: all.box.subarray(4 * first, 4 * (first + 100)),
        flip: all.flip.subarray(first, first + 100),
        partner: Int32Array.from({ length: 100 }, (_, i) => i),
      };
      for (const [i, value] of floatsOf(labelViews(labeller, set, part, 0).logits).entries()) {
        const other = logits[3 * first + i] ?? Number.NaN;
        assert.ok(Math.abs(value - other) < 2e-3 * Math.max(1, Math.abs(value)), `${value}, not ${other}`);
      }
    }
  });
});

describe('one vector a sample', () => {
  it('is of that very sample, also where a set takes several passes', async () => {
    const [count, edges] = [300, [0, 249, 250, 299]] as const;
    const many = tinyImages(shape, count, 3, 2);
    const labeller: Labeller = { ensemble: experts, weighting: 'PLAIN', shape, normalization };
    const whole = labelConfig.parse({ cropScaleMin: 1, flip: false, mix: 'NONE', staticViews: 1 });
    const vectors = floatsOf(await staticLabels(labeller, many, count, whole, 1, { breathe }));
    for (const sample of edges) {
      const alone = drawViews(whole, shape, { seed: 1, step: 0, samples: 1, batchSize: 1 });
      const asked = labelViews(labeller, many, { ...alone, sample: Int32Array.of(sample) }, 0).logits;
      floatsOf(asked).forEach((logit, c) => {
        const own = vectors[3 * sample + c] ?? Number.NaN;
        assert.ok(
          Math.abs(own - logit) < 2e-3 * Math.max(1, Math.abs(logit)),
          `sample ${sample}: ${own}, not ${logit}`,
        );
      });
    }
  });
});

describe('logits that float16 cannot hold', () => {
  it('are refused, and the teacher with them, in either mode', async () => {
    const { frozen } = tinyTeacher(shape, 3, 2, 1);
    const parameters = { ...frozen.parameters, 'classifier.bias': tf.tensor1d([0, 7e4, 0]) };
    const loud = { frozen: freeze(frozen.network, parameters), accuracy: 90 };
    const labeller: Labeller = { ensemble: [loud], weighting: 'PLAIN', shape, normalization };
    const refused = failureWith('NUMERICS', 'beyond the range of float16');
    assert.throws(() => labelViews(labeller, set, views, 0), refused);
    await assert.rejects(staticLabels(labeller, set, 30, labelConfig.parse({}), 1, { breathe }), refused);
  });
});

describe('labels cut to the largest logits', () => {
  const classes = 20;
  const source = random(2, 'labels');
  const batch = (): LabelledViews => ({
    ...views,
    logits: halvesOf(Float32Array.from({ length: 16 * classes }, () => Math.round(4 * source.normal()))),
  });
  const batches = [batch(), batch()];

  it('come back as they were cut: the others with probability 0', () => {
    const file = encodeLabels(batches, 5, 3);
    assert.ok(file.length < encodeLabels(batches, 5).length);
    const read = decodeLabels(file);
    assert.equal(read.firstStep, 5);
    for (const [i, { logits }] of read.batches.entries()) {
      assert.deepEqual(logits, keepLargest(batches[i]?.logits ?? new Uint16Array(), classes, 3));
    }
    const row = floatsOf(read.batches[0]?.logits.subarray(0, classes) ?? new Uint16Array());
    const whole = floatsOf(batches[0]?.logits.subarray(0, classes) ?? new Uint16Array());
    const least = [...whole].sort((a, b) => b - a)[2] ?? 0;
    const kept = [...row].filter((value) => value > -60_000);
    assert.equal(kept.length, 3);
    assert.ok(kept.every((value) => value >= least));
    const probabilities = [...tf.softmax(tf.tensor1d(row)).dataSync()];
    assert.equal(probabilities.filter((share) => share === 0).length, classes - 3);
  });

  it('may be of more classes than 16 bits count', () => {
    const many = 40_000;
    const row = Uint16Array.from({ length: many }, (_, c) => (c === 39_999 ? 0x4000 : c === 7 ? 0x3c00 : 0));
    const kept = floatsOf(keepLargest(row, many, 2));
    assert.deepEqual([kept[39_999], kept[7], kept.filter((value) => value > -60_000).length], [2, 1, 2]);
  });

  it('are stored whole where there are no more classes than are kept', () => {
    assert.deepEqual(
      decodeLabels(encodeLabels(batches, 0, classes)).batches,
      decodeLabels(encodeLabels(batches, 0)).batches,
    );
  });

  it('are refused where they name a class that there is not', () => {
    const file = decodeSafetensors(encodeLabels(batches, 0, 3));
    const { data } = file.tensors.get('classes') ?? assert.fail();
    data[4] = classes;
    const changed = encodeSafetensors(Object.fromEntries(file.tensors), file.metadata);
    assert.throws(() => decodeLabels(changed), failureWith('OBJECT_CORRUPT', 'beyond its own count'));
  });
});

describe('labels of a share of the steps', () => {
  it('are that many, rounded up', () => {
    assert.equal(storedSteps(labelConfig.parse({ fkdSteps: 101, keptShare: 0.1 })), 11);
    assert.equal(storedSteps(labelConfig.parse({ fkdSteps: 101 })), 101);
    for (const hundredths of Array.from({ length: 100 }, (_, i) => i + 1)) {
      assert.equal(storedSteps(labelConfig.parse({ fkdSteps: 300, keptShare: hundredths / 100 })), 3 * hundredths);
    }
    assert.equal(storedSteps(labelConfig.parse({ fkdSteps: 1, keptShare: 1e-12 })), 1);
  });
});

describe('MixUp', () => {
  it('blends every view with its partner by the share that lambda says', () => {
    const drawn = drawViews(labelConfig.parse({ mix: 'MIXUP' }), shape, place);
    assert.ok(drawn.lambda > 0 && drawn.lambda < 1);
    const alone = renderViews(set, shape, { ...drawn, lambda: 1 });
    const partners = tf.gather(alone, tf.tensor1d(drawn.partner, 'int32'));
    const expected = alone.mul(drawn.lambda).add(partners.mul(1 - drawn.lambda));
    const off = renderViews(set, shape, drawn).sub(expected).abs().max().dataSync()[0] ?? 1;
    assert.ok(off < 1e-5);
  });
});

describe('crops of real images', () => {
  const byClass = [0, 1, 2].map((label) => Int32Array.from({ length: 10 }, (_, i) => 3 * i + label));
  const labeller: Labeller = { ensemble: experts, weighting: 'PLAIN', shape, normalization };
  const realCrops = async (of: Int32Array[], wanted: WantedCrops) =>
    cutCrops(set, shape, await chooseCrops(labeller, set, of, wanted, async () => undefined));
  const cropsOf = (imagesPerClass: number, seed: number) =>
    realCrops(byClass, { classes: [0, 1, 2], imagesPerClass, seed });

  it('are those that the most accurate teacher is surest of, as many of every class as asked for', async () => {
    const best = experts[1]?.frozen ?? assert.fail();
    const lossOf = async (imagesPerClass: number) => {
      const { images, labels } = await cropsOf(imagesPerClass, 4);
      const x = tf.tensor4d(
        Float32Array.from(images, (byte) => (byte / 255 - 0.4) / 0.3),
        [labels.length, 8, 8, 1],
      );
      const all = tf.logSoftmax(forwardFrozen(best, x).logits).arraySync() as number[][];
      return [...labels].reduce((sum, label, i) => sum - (all[i]?.[label] ?? Number.NaN), 0) / labels.length;
    };
    const { labels } = await cropsOf(2, 4);
    assert.deepEqual([...labels], [0, 0, 1, 1, 2, 2]);
    assert.ok((await lossOf(2)) < (await lossOf(10)), 'two of ten are surer than all ten');

    const wanted = { classes: [0, 1, 2], imagesPerClass: 2, seed: 4 };
    const chosen = await chooseCrops(labeller, set, byClass, wanted, async () => undefined);
    for (const [label, images] of byClass.entries()) {
      // Of all five crops of every image of the class, in a pass of the test's own.
      const surest = Array.from(images, () => Number.POSITIVE_INFINITY);
      for (let n = 0; n < 5; n++) {
        const source = random(4, 'real-crops', label, n);
        const boxes = augmentationBoxes({ flip: false, shift: 0 }, 0.5, shape, images.length, source);
        const x = normalize(crop(gatherImages(set, images), boxes), normalization);
        const all = tf.logSoftmax(forwardFrozen(best, x).logits).arraySync() as number[][];
        for (const [i, row] of all.entries()) surest[i] = Math.min(surest[i] as number, -(row[label] as number));
      }
      const least = surest.toSorted((a, b) => a - b).slice(0, 2);
      const found = chosen.filter((one) => one.label === label);
      found.forEach(({ image, loss }, rank) => {
        assert.ok(Math.abs(loss - (least[rank] as number)) < 1e-4, `${loss}, not ${least[rank]}`);
        assert.ok(Math.abs(loss - (surest[images.indexOf(image)] as number)) < 1e-4, `image ${image} has another loss`);
      });
    }
  });

  it('are the same of a class whatever other classes are asked for, and as many as a class has images', async () => {
    const uneven = byClass.map((all, label) => all.subarray(0, label === 1 ? 2 : 10));
    const some = (classes: number[]) => realCrops(uneven, { classes, imagesPerClass: 4, seed: 4 });
    const { images, labels } = await some([0, 1, 2]);
    assert.deepEqual([...labels], [0, 0, 0, 0, 1, 1, 2, 2, 2, 2]);
    const last = await some([2]);
    assert.deepEqual(last.images, images.subarray(6 * 64));
    assert.deepEqual([...last.labels], [2, 2, 2, 2]);
  });

  it('depend on the seed alone', async () => {
    assert.deepEqual(await cropsOf(3, 4), await cropsOf(3, 4));
    assert.notDeepEqual(await cropsOf(3, 4), await cropsOf(3, 5));
  });
});
