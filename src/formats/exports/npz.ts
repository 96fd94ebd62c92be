/**
 * One .npz: `images` uint8 [n, h, w, c], `labels` int64, `logits` float16 where the set has any, `class_names`; and what training
 * needs beside the samples: `mean`, `std`, `full_image_shape`, `temperature`.
 */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import yazl from 'yazl';
import { npyHeader } from '../npy.js';
import type { Exporter } from './exporter.js';
import { factsOf } from './facts.js';
import { hasLogits, type PulledSample, pixelsOf, samplesOf } from './pulled-set.js';

/** No clock and no time zone: equal sets, equal bytes. The earliest that a zip file can say. */
const ENTRY = { compress: false, mtime: new Date(1980, 0, 1), forceDosTimestamp: true, mode: 0o100644 } as const;

export const exportNpz: Exporter = async (set, to, _options, onSample) => {
  const { manifest } = set;
  const { sampleCount: n, imageShape, classNames } = manifest;
  const zip = new yazl.ZipFile();
  const written = pipeline(zip.outputStream, createWriteStream(join(to, 'data.npz')));
  const add = (name: string, descr: string, shape: readonly number[], values: AsyncIterable<Uint8Array>) =>
    new Promise<void>((resolve, reject) => {
      const stream = Readable.from(withHeader(npyHeader(descr, shape), values), { objectMode: false });
      stream.once('end', resolve);
      stream.once('error', reject);
      // One array after the other: a stream that is added early would be read early.
      zip.addReadStream(stream, `${name}.npy`, ENTRY);
    });
  const valuesOf = async function* (encode: (sample: PulledSample) => Uint8Array, tell = false) {
    for await (const sample of samplesOf(set)) {
      yield encode(sample);
      if (tell) onSample();
    }
  };
  const fill = async () => {
    const { height, width, channels } = imageShape;
    await add(
      'images',
      '|u1',
      [n, height, width, channels],
      valuesOf((sample) => pixelsOf(sample, manifest), true),
    );
    await add(
      'labels',
      '<i8',
      [n],
      valuesOf(({ label }) => bytesOf(BigInt64Array.of(BigInt(label)))),
    );
    if (hasLogits(manifest)) {
      const logits = valuesOf(({ logits: bits }) => bytesOf(bits ?? new Uint16Array(classNames.length)));
      await add('logits', '<f2', [n, classNames.length], logits);
    }
    const longest = Math.max(1, ...classNames.map((name) => [...name].length));
    await add('class_names', `<U${longest}`, [classNames.length], namesOf(classNames, longest));
    const { mean, std, full_image_shape, temperature } = factsOf(manifest);
    await add('mean', '<f8', [mean.length], once(Float64Array.from(mean)));
    await add('std', '<f8', [std.length], once(Float64Array.from(std)));
    await add('full_image_shape', '<i8', [3], once(BigInt64Array.from(full_image_shape.map(BigInt))));
    if (temperature !== undefined) await add('temperature', '<f8', [], once(Float64Array.of(temperature)));
    zip.end();
  };
  await Promise.all([fill(), written]);
};

async function* withHeader(header: Buffer, values: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield header;
  yield* values;
}

async function* once(values: Float64Array | BigInt64Array): AsyncGenerator<Uint8Array> {
  yield bytesOf(values);
}

/** NumPy's unicode: four bytes a character, padded with zeros. */
async function* namesOf(names: readonly string[], longest: number): AsyncGenerator<Uint8Array> {
  for (const name of names) {
    const characters = new Uint32Array(longest);
    [...name].forEach((character, i) => {
      characters[i] = character.codePointAt(0) ?? 0;
    });
    yield bytesOf(characters);
  }
}

const bytesOf = (array: { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
