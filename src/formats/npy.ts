/**
 * NumPy's array format, version 1.0 (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): magic,
 * version, header length, a Python dict padded with spaces to 64 bytes, then little-endian row-major values. Only what
 * soft labels need: float16 and float32, one or two dimensions. Equal content gives equal bytes.
 */
import { TeddyhubError } from '../domain/errors.js';

/** A 1-D or 2-D array in memory, row-major; float16 as raw bits (src/formats/float16.ts converts them). */
export type NpyArray =
  | { readonly dtype: 'float16'; readonly shape: readonly number[]; readonly data: Uint16Array }
  | { readonly dtype: 'float32'; readonly shape: readonly number[]; readonly data: Float32Array };

const MAGIC = Buffer.from('\x93NUMPY\x01\x00', 'latin1');
const PREFIX_BYTES = MAGIC.length + 2;
const ALIGNMENT = 64;
const HEADER = /^\{'descr': '<(f2|f4)', 'fortran_order': False, 'shape': \((\d+),(?: (\d+))?\),? *\} *\n$/;

const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** All that comes before the values of an array: `descr` is NumPy's name of the type, such as `|u1`. */
export function npyHeader(descr: string, shape: readonly number[]): Buffer {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const headerEnd = Math.ceil((PREFIX_BYTES + dict.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = `${dict.padEnd(headerEnd - PREFIX_BYTES - 1)}\n`;
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  return Buffer.concat([MAGIC, length, Buffer.from(header, 'latin1')]);
}

/** Writes an array. Throws RangeError where it has not one or two dimensions, or shape and data disagree. */
export function encodeNpy({ dtype, shape, data }: NpyArray): Buffer {
  if (shape.length < 1 || shape.length > 2 || elements(shape) !== data.length) {
    throw new RangeError(`an array of shape [${shape.join(', ')}] does not hold ${data.length} values`);
  }
  const values = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat([npyHeader(dtype === 'float16' ? '<f2' : '<f4', shape), values]);
}

/** Reads an array that this module or NumPy wrote. Throws OBJECT_CORRUPT on anything else. */
export function decodeNpy(bytes: Uint8Array): NpyArray {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length < PREFIX_BYTES || !file.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw corrupt('it has not the magic bytes of version 1.0');
  }
  const headerEnd = PREFIX_BYTES + file.readUInt16LE(MAGIC.length);
  const match = HEADER.exec(file.toString('latin1', PREFIX_BYTES, headerEnd));
  if (match === null) throw corrupt('it is not a row-major float16 or float32 array of one or two dimensions');
  const shape = [match[2], match[3]].filter((length) => length !== undefined).map(Number);
  // A copy of its own starts at offset 0, so the view is aligned.
  const body = new Uint8Array(file.subarray(headerEnd));
  const width = match[1] === 'f2' ? 2 : 4;
  if (body.byteLength !== elements(shape) * width) throw corrupt('its values do not fit its shape');
  return width === 2
    ? { dtype: 'float16', shape, data: new Uint16Array(body.buffer) }
    : { dtype: 'float32', shape, data: new Float32Array(body.buffer) };
}

const corrupt = (reason: string): TeddyhubError =>
  new TeddyhubError('OBJECT_CORRUPT', `Not a valid npy file: ${reason}.`);
