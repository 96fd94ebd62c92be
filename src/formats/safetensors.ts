/**
 * The safetensors format (https://github.com/huggingface/safetensors#format): 8 bytes of little-endian header length, a
 * JSON header, then the tensors' bytes. Encoding is deterministic: tensors lie by falling element size, then by name, and
 * the header is padded with spaces to 8 bytes, so every tensor is aligned and equal content gives equal bytes.
 */
import { TeddyhubError } from '../domain/errors.js';

/** The arrays that hold each dtype; F16 are raw bits (src/formats/float16.ts converts them). */
export interface ArrayOfDtype {
  U8: Uint8Array;
  F16: Uint16Array;
  I16: Int16Array;
  I32: Int32Array;
  F32: Float32Array;
  F64: Float64Array;
  I64: BigInt64Array;
}
export type Dtype = keyof ArrayOfDtype;

const ARRAYS = {
  U8: Uint8Array,
  F16: Uint16Array,
  I16: Int16Array,
  I32: Int32Array,
  F32: Float32Array,
  F64: Float64Array,
  I64: BigInt64Array,
} as const;

/** A tensor in memory: row-major, little-endian. */
export type StoredTensor = {
  [D in Dtype]: { readonly dtype: D; readonly shape: readonly number[]; readonly data: ArrayOfDtype[D] };
}[Dtype];

export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

const METADATA = '__metadata__';
const LENGTH_BYTES = 8;
const MAX_HEADER_BYTES = 100_000_000;

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const isDtype = (value: unknown): value is Dtype => typeof value === 'string' && Object.hasOwn(ARRAYS, value);
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function corrupt(reason: string): never {
  throw new TeddyhubError('OBJECT_CORRUPT', `Not a valid safetensors file: ${reason}.`);
}

type Layout = Readonly<Record<string, { readonly dtype: Dtype; readonly shape: readonly number[] }>>;

const widthOf = ({ dtype }: { dtype: Dtype }): number => ARRAYS[dtype].BYTES_PER_ELEMENT;

/** The order in which the bytes of the tensors lie in a file. */
const ordered = <T extends Layout[string]>(tensors: Readonly<Record<string, T>>): [string, T][] =>
  Object.entries(tensors).sort(([a, x], [b, y]) => widthOf(y) - widthOf(x) || (a < b ? -1 : a > b ? 1 : 0));

/** All that comes before the tensors' bytes, which follow in the order of `names`: for files that are written piece by piece. */
export function safetensorsHeader(
  tensors: Layout,
  metadata: Readonly<Record<string, string>> = {},
): { header: Buffer; names: string[]; bodyBytes: number } {
  const entries = ordered(tensors);
  const header: Record<string, unknown> = {};
  const keys = Object.keys(metadata).sort();
  if (keys.length > 0) header[METADATA] = Object.fromEntries(keys.map((key) => [key, metadata[key]]));
  let offset = 0;
  for (const [name, tensor] of entries) {
    const end = offset + product(tensor.shape) * widthOf(tensor);
    header[name] = { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const bytes = Buffer.alloc(LENGTH_BYTES + headerBytes, ' ');
  bytes.writeBigUInt64LE(BigInt(headerBytes), 0);
  json.copy(bytes, LENGTH_BYTES);
  return { header: bytes, names: entries.map(([name]) => name), bodyBytes: offset };
}

/** Writes named tensors, and optional text metadata, as one safetensors file. Throws RangeError where shape and data disagree. */
export function encodeSafetensors(
  tensors: Readonly<Record<string, StoredTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Buffer {
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    if (product(shape) === data.length) continue;
    throw new RangeError(`tensor ${name} of shape [${shape.join(', ')}] holds ${data.length} elements`);
  }
  const { header, bodyBytes } = safetensorsHeader(tensors, metadata);
  const file = Buffer.alloc(header.length + bodyBytes);
  header.copy(file);
  let position = header.length;
  for (const [, { data }] of ordered(tensors)) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return file;
}

/** Reads a safetensors file; every tensor is a copy of its own. Throws OBJECT_CORRUPT, in one line, on anything malformed. */
export function decodeSafetensors(bytes: Uint8Array): SafetensorsFile {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length < LENGTH_BYTES) corrupt('it is shorter than its header');
  const headerBytes = Number(file.readBigUInt64LE(0));
  if (headerBytes > MAX_HEADER_BYTES || LENGTH_BYTES + headerBytes > file.length) {
    corrupt('its header is longer than the file');
  }
  const header = parseHeader(file.toString('utf8', LENGTH_BYTES, LENGTH_BYTES + headerBytes));
  const body = file.subarray(LENGTH_BYTES + headerBytes);
  const tensors = new Map<string, StoredTensor>();
  const ranges: [start: number, end: number][] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === METADATA) continue;
    const { dtype, shape, start, end } = parseEntry(name, entry);
    if (end > body.length) corrupt(`tensor ${name} ends beyond the file`);
    if (product(shape) * ARRAYS[dtype].BYTES_PER_ELEMENT !== end - start) {
      corrupt(`the bytes of tensor ${name} do not fit its shape`);
    }
    ranges.push([start, end]);
    tensors.set(name, tensorOf(dtype, shape, body.subarray(start, end)));
  }
  ranges.sort(([a, x], [b, y]) => a - b || x - y);
  let position = 0;
  for (const [start, end] of ranges) {
    if (start !== position) corrupt('its tensors overlap or leave gaps');
    position = end;
  }
  if (position !== body.length) corrupt('bytes follow its last tensor');
  return { tensors, metadata: parseMetadata(header[METADATA]) };
}

/**
 * One tensor of a file, checked against the dtype and, where given, the shape that the reader expects; -1 stands for any
 * length. Throws OBJECT_CORRUPT when it is not there or is another.
 */
export function tensorOfFile<D extends Dtype>(
  file: SafetensorsFile,
  name: string,
  dtype: D,
  shape?: readonly number[],
): { shape: readonly number[]; data: ArrayOfDtype[D] } {
  const tensor = file.tensors.get(name);
  if (tensor === undefined) corrupt(`tensor ${name} is missing`);
  if (tensor.dtype !== dtype) corrupt(`tensor ${name} is ${tensor.dtype}, not ${dtype}`);
  const fits = (expected: readonly number[]) =>
    expected.length === tensor.shape.length && expected.every((n, i) => n === -1 || n === tensor.shape[i]);
  if (shape !== undefined && !fits(shape)) {
    corrupt(`tensor ${name} has shape [${tensor.shape.join(', ')}], not [${shape.join(', ')}]`);
  }
  return { shape: tensor.shape, data: tensor.data as ArrayOfDtype[D] };
}

function parseHeader(text: string): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(text);
    if (isRecord(header)) return header;
  } catch {
    // falls through to the one message for every unreadable header
  }
  return corrupt('its header is not a JSON object');
}

function parseEntry(name: string, entry: unknown) {
  if (!isRecord(entry) || !isDtype(entry.dtype)) corrupt(`tensor ${name} has no dtype that Teddyhub knows`);
  const shape = naturals(entry.shape);
  const offsets = naturals(entry.data_offsets);
  const [start, end] = offsets ?? [];
  if (shape === undefined || start === undefined || end === undefined || offsets?.length !== 2 || start > end) {
    corrupt(`tensor ${name} has no valid shape and offsets`);
  }
  return { dtype: entry.dtype, shape, start, end };
}

function naturals(value: unknown): number[] | undefined {
  const isNatural = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
  return Array.isArray(value) && value.every(isNatural) ? value : undefined;
}

function parseMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value)) return corrupt('its metadata is not an object');
  const entries = Object.entries(value).map(([key, text]): [string, string] =>
    typeof text === 'string' ? [key, text] : corrupt(`its metadata ${key} is not text`),
  );
  return Object.fromEntries(entries);
}

function tensorOf(dtype: Dtype, shape: readonly number[], bytes: Uint8Array): StoredTensor {
  // Not bytes.slice(): a Buffer's slice is a view, at an offset that need not be aligned.
  const copy = new Uint8Array(bytes);
  const data = new ARRAYS[dtype](copy.buffer, 0, copy.byteLength / ARRAYS[dtype].BYTES_PER_ELEMENT);
  return { dtype, shape, data } as StoredTensor;
}
