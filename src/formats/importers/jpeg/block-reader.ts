/** The coefficients of one block after the other out of compressed pixels (ITU-T T.81, annex F.2). */
import type { Component } from './header.js';
import { type HuffmanTable, LOOK_BITS, signed } from './huffman.js';

/** Where the coefficients that the file has in zigzag lie in the rows of a block. */
const PLACES = zigzag();
/**
 * The sum of a block's coefficients up to which nothing that any decoder computes of them leaves 16 bits. Beyond, which no
 * photograph comes to, decoders differ.
 */
const MOST = 5_800;
/** What stands for no more coefficients in this block, and for sixteen zeros. */
const END = 0x00;
const ZEROS = 0xf0;
const END_OF_IMAGE = 0xd9;
const LOOK = (1 << LOOK_BITS) - 1;
/** Bytes that may be read beyond the end before it is noticed. */
const SLACK = 512;

/** The coefficients of the last block that was read, multiplied, row by row. */
export const coefficients = new Int32Array(64);

let data = new Uint8Array(0);
let length = 0;
let position = 0;
/** The lower `held` of these bits are those that come next. */
let bits = 0;
let held = 0;

/** Takes the compressed bytes up to the end of the image. False where anything else stands in them. */
export function openBlocks(file: Buffer, start: number): boolean {
  if (data.length < file.length + SLACK) data = new Uint8Array(2 * file.length + SLACK);
  position = 0;
  bits = 0;
  held = 0;
  length = 0;
  for (let from = start; ; ) {
    const mark = file.indexOf(0xff, from);
    if (mark < 0) return false;
    for (let i = from; i < mark; i++) data[length++] = file[i] as number;
    const next = file[mark + 1];
    if (next === END_OF_IMAGE) break;
    if (next !== 0) return false;
    data[length++] = 0xff;
    from = mark + 2;
  }
  data.fill(0, length, length + SLACK);
  return true;
}

/** True where all bytes were read, and none beyond. */
export const isAtEnd = (): boolean => position - (held >> 3) === length;

/**
 * Reads a block of component `i` into `coefficients`; `predictions` are the first coefficients of every component's block
 * before. Answers where in the file's order the last one lies that is not 0, or -1 where the bytes mean nothing.
 */
export function readBlock({ dc, ac, factors }: Component, predictions: Int32Array, i: number): number {
  if (position - (held >> 3) > length) return -1;
  coefficients.fill(0);
  const size = symbol(dc);
  if (size < 0 || size > 11) return -1;
  const first = (predictions[i] as number) + (size === 0 ? 0 : value(size));
  predictions[i] = first;
  const product = Math.imul(first, factors[0] as number);
  coefficients[0] = product;
  const { whole } = ac;
  let sum = Math.abs(product);
  let last = 0;
  for (let at = 1; at < 64; at++) {
    if (held < 16) refill();
    const both = whole[(bits >>> (held - LOOK_BITS)) & LOOK] as number;
    if (both !== 0) {
      held -= both & 15;
      at += (both >> 4) & 15;
      if (at > 63) return -1;
      const coefficient = Math.imul(both >> 8, factors[at] as number);
      coefficients[PLACES[at] as number] = coefficient;
      sum += Math.abs(coefficient);
      last = at;
      continue;
    }
    const code = symbol(ac);
    if (code === END) break;
    at += code >> 4;
    if (code === ZEROS) continue;
    const size = code & 15;
    if (code < 0 || size === 0 || size > 10 || at > 63) return -1;
    const coefficient = Math.imul(value(size), factors[at] as number);
    coefficients[PLACES[at] as number] = coefficient;
    sum += Math.abs(coefficient);
    last = at;
  }
  return sum > MOST ? -1 : last;
}

/** The symbol that the next bits are the code of, or -1. */
function symbol({ look, ends, offsets, symbols }: HuffmanTable): number {
  if (held < 16) refill();
  const found = look[(bits >>> (held - LOOK_BITS)) & LOOK] as number;
  if (found !== 0) {
    held -= found >> 8;
    return found & 0xff;
  }
  const next = (bits >>> (held - 16)) & 0xffff;
  for (let size = LOOK_BITS + 1; size <= 16; size++) {
    if (next >= (ends[size] as number)) continue;
    held -= size;
    return symbols[(next >> (16 - size)) + (offsets[size] as number)] as number;
  }
  return -1;
}

function value(size: number): number {
  if (held < 16) refill();
  held -= size;
  return signed((bits >>> held) & ((1 << size) - 1), size);
}

function refill(): void {
  bits = (bits << 16) | ((data[position] as number) << 8) | (data[position + 1] as number);
  position += 2;
  held += 16;
}

function zigzag(): Uint8Array {
  const places: number[] = [];
  for (let diagonal = 0; diagonal < 15; diagonal++) {
    for (let i = 0; i <= diagonal; i++) {
      const [row, column] = diagonal % 2 === 0 ? [diagonal - i, i] : [i, diagonal - i];
      if (row < 8 && column < 8) places.push(row * 8 + column);
    }
  }
  return Uint8Array.from(places);
}
