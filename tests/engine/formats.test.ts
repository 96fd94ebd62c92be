import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { floatsOf, fromHalf, halvesOf, toHalf } from '../../src/formats/float16.js';
import { decodeLabels, encodeLabels, type LabelledViews } from '../../src/formats/labels.js';
import {
  decodeSafetensors,
  encodeSafetensors,
  type StoredTensor,
  tensorOfFile,
} from '../../src/formats/safetensors.js';
import { failureWith } from '../support/failure.js';

const corruptWith = (text: string) => failureWith('OBJECT_CORRUPT', text);

const ofEveryDtype: Record<string, StoredTensor> = {
  bytes: { dtype: 'U8', shape: [3], data: Uint8Array.of(0, 7, 255) },
  halves: { dtype: 'F16', shape: [1, 3], data: halvesOf([1.5, -2, 0]) },
  integers: { dtype: 'I32', shape: [2, 1], data: Int32Array.of(-(2 ** 31), 2 ** 31 - 1) },
  floats: { dtype: 'F32', shape: [2, 2], data: Float32Array.of(0.1, -0, 3e38, Number.NaN) },
  doubles: { dtype: 'F64', shape: [2], data: Float64Array.of(Math.PI, -1e-300) },
  longs: { dtype: 'I64', shape: [1], data: BigInt64Array.of(-(2n ** 63n)) },
  'another of one byte': { dtype: 'U8', shape: [5], data: Uint8Array.of(1, 2, 3, 4, 5) },
  scalar: { dtype: 'F32', shape: [], data: Float32Array.of(42) },
  none: { dtype: 'F32', shape: [0, 4], data: new Float32Array(0) },
};

describe('safetensors', () => {
  it('gives back every dtype, shape and value, and the metadata', () => {
    const { tensors, metadata } = decodeSafetensors(encodeSafetensors(ofEveryDtype, { note: 'ä', step: '3' }));
    assert.deepEqual(Object.fromEntries(tensors), ofEveryDtype);
    assert.deepEqual(metadata, { note: 'ä', step: '3' });
  });

  it('reads a file that lies at an odd place of a larger buffer', () => {
    const file = encodeSafetensors(ofEveryDtype);
    const larger = Buffer.concat([Buffer.from([1]), file, Buffer.from([1, 2])]);
    assert.deepEqual(Object.fromEntries(decodeSafetensors(larger.subarray(1, 1 + file.length)).tensors), ofEveryDtype);
  });

  it('writes a view of a larger array as the view alone', () => {
    const part = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
    const file = encodeSafetensors({ part: { dtype: 'F32', shape: [2], data: part } });
    assert.deepEqual(decodeSafetensors(file).tensors.get('part')?.data, Float32Array.of(2, 3));
  });

  it('gives the same bytes in whatever order tensors and metadata come, each tensor aligned to its elements', () => {
    const reversed = <T>(record: Record<string, T>) => Object.fromEntries(Object.entries(record).reverse());
    const metadata = { a: '1', b: '2' };
    const file = encodeSafetensors(ofEveryDtype, metadata);
    assert.ok(file.equals(encodeSafetensors(reversed(ofEveryDtype), reversed(metadata))));
    const headerBytes = Number(file.readBigUInt64LE(0));
    assert.equal(headerBytes % 8, 0);
    const header = JSON.parse(file.toString('utf8', 8, 8 + headerBytes)) as Record<string, { data_offsets: [number] }>;
    for (const [name, { data }] of Object.entries(ofEveryDtype)) {
      assert.equal((header[name]?.data_offsets[0] ?? 0) % data.BYTES_PER_ELEMENT, 0, name);
    }
  });

  it('refuses to write a tensor whose shape and data disagree', () => {
    const wrong: StoredTensor = { dtype: 'U8', shape: [2, 2], data: new Uint8Array(3) };
    assert.throws(() => encodeSafetensors({ wrong }), RangeError);
  });

  const handmade = (header: unknown, body = 0): Buffer => {
    const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    return Buffer.concat([length, json, Buffer.alloc(body)]);
  };
  const u8 = (start: number, end: number, shape: unknown = [end - start]) => ({
    dtype: 'U8',
    shape,
    data_offsets: [start, end],
  });
  const whole = encodeSafetensors(ofEveryDtype);
  const malformed: Record<string, [file: Uint8Array, reason: string]> = {
    'an empty file': [new Uint8Array(0), 'shorter than its header'],
    'a truncated header': [whole.subarray(0, 40), 'header is longer than the file'],
    'a truncated body': [whole.subarray(0, whole.length - 1), 'ends beyond the file'],
    'bytes after the last tensor': [Buffer.concat([whole, Buffer.alloc(1)]), 'bytes follow'],
    'a header of a terabyte': [Buffer.from([0, 0, 0, 0, 0, 1, 0, 0, 0]), 'header is longer than the file'],
    'a header that is no JSON': [handmade('{"a"'), 'not a JSON object'],
    'a header that is a list': [handmade([]), 'not a JSON object'],
    'an unknown dtype': [handmade({ a: { ...u8(0, 1), dtype: 'Q4' } }, 1), 'no dtype'],
    'a dtype out of a prototype': [handmade({ a: { ...u8(0, 1), dtype: 'toString' } }, 1), 'no dtype'],
    'a negative dimension': [handmade({ a: u8(0, 1, [-1, -1]) }, 1), 'no valid shape'],
    'a fractional offset': [handmade({ a: u8(0, 1.5, [1]) }, 2), 'no valid shape'],
    'offsets that go backwards': [handmade({ a: u8(1, 0, [1]) }, 1), 'no valid shape'],
    'a shape that is too large for its bytes': [handmade({ a: u8(0, 2, [3]) }, 2), 'do not fit its shape'],
    'overlapping tensors': [handmade({ a: u8(0, 2), b: u8(1, 3) }, 3), 'overlap or leave gaps'],
    'a gap between tensors': [handmade({ a: u8(0, 1), b: u8(2, 3) }, 3), 'overlap or leave gaps'],
    'metadata that is no text': [handmade({ __metadata__: { a: 1 } }), 'is not text'],
  };
  for (const [what, [file, reason]] of Object.entries(malformed)) {
    it(`refuses ${what} in one line`, () => {
      assert.throws(() => decodeSafetensors(file), corruptWith(reason));
    });
  }

  it('refuses a tensor that is missing, or of another dtype or shape than the reader expects', () => {
    const file = decodeSafetensors(whole);
    assert.deepEqual(tensorOfFile(file, 'bytes', 'U8', [-1]).shape, [3]);
    assert.throws(() => tensorOfFile(file, 'nowhere', 'U8'), corruptWith('nowhere is missing'));
    assert.throws(() => tensorOfFile(file, 'bytes', 'F32'), corruptWith('is U8, not F32'));
    assert.throws(() => tensorOfFile(file, 'bytes', 'U8', [4]), corruptWith('has shape [3], not [4]'));
    assert.throws(() => tensorOfFile(file, 'bytes', 'U8', [3, 1]), corruptWith('has shape [3], not [3, 1]'));
  });
});

describe('float16', () => {
  it('gives back the bits of every half that is a number', () => {
    for (let half = 0; half < 2 ** 16; half++) {
      const noNumber = (half & 0x7c00) === 0x7c00 && (half & 0x3ff) !== 0;
      if (noNumber) assert.ok(Number.isNaN(fromHalf(toHalf(fromHalf(half)))));
      else assert.equal(toHalf(fromHalf(half)), half);
    }
  });

  it('rounds to the nearest half, ties to even, and beyond the range to infinity', () => {
    const cases: [number, number][] = [
      [1 + 2 ** -11, 1],
      [1 + 3 * 2 ** -11, 1 + 2 ** -9],
      [1 + 2 ** -11 + 2 ** -20, 1 + 2 ** -10],
      [2 ** -25, 0],
      [2 ** -25 * 1.01, 2 ** -24],
      [65_519, 65_504],
      [65_520, Number.POSITIVE_INFINITY],
      [-1e10, Number.NEGATIVE_INFINITY],
    ];
    for (const [number, rounded] of cases) assert.equal(fromHalf(toHalf(number)), rounded, String(number));
    assert.deepEqual(floatsOf(halvesOf([0.5, -0.25])), Float32Array.of(0.5, -0.25));
  });
});

describe('label files', () => {
  const batch = (salt: number): LabelledViews => ({
    sample: Int32Array.of(salt, 1, 2),
    box: Float32Array.from({ length: 12 }, (_, i) => i + salt / 8),
    flip: Uint8Array.of(1, 0, salt % 2),
    partner: Int32Array.of(2, 0, 1),
    mixBox: Int32Array.of(0, salt, 4, 8),
    lambda: salt / 16,
    logits: halvesOf([salt, 1, 2, 3, 4, 5]),
  });
  const batches = [batch(3), batch(4)];

  it('give back every view of every step, and the first step', () => {
    assert.deepEqual(decodeLabels(encodeLabels(batches, 200)), { firstStep: 200, batches });
  });

  it('are refused where a part is missing or the version is another', () => {
    const file = decodeSafetensors(encodeLabels(batches, 0));
    const { box: _, ...without } = Object.fromEntries(file.tensors);
    assert.throws(() => decodeLabels(encodeSafetensors(without, file.metadata)), corruptWith('box is missing'));
    const later = encodeSafetensors(Object.fromEntries(file.tensors), { ...file.metadata, version: '2' });
    assert.throws(() => decodeLabels(later), corruptWith('version'));
  });
});
