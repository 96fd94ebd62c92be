/** What a JPEG file says before its pixels (ITU-T T.81, annex B), where it is of the plain kind. */
import { type HuffmanTable, huffmanTable } from './huffman.js';

export interface Component {
  /** Blocks of 8 x 8 pixels that it has in each unit of interleaving, across and down. */
  readonly across: number;
  readonly down: number;
  /** Factors of the coefficients, in the order in which the file has these. */
  readonly factors: Uint8Array;
  readonly dc: HuffmanTable;
  readonly ac: HuffmanTable;
}

export interface Header {
  readonly height: number;
  readonly width: number;
  /** One, grey; or luma, of 1 x 1, 2 x 1 or 2 x 2 blocks, and two of chroma, of 1 x 1. */
  readonly components: readonly Component[];
  /** Where the compressed pixels begin. */
  readonly scanStart: number;
}

// Segments that tell how the pixels are compressed, or nothing that matters.
const BASELINE_FRAME = 0xc0;
const HUFFMAN_TABLES = 0xc4;
const SCAN = 0xda;
const FACTORS = 0xdb;
const JFIF = 0xe0;
const COMMENT = 0xfe;

/** Null for a file that holds anything else: another process, colour profiles, orientations, restarts, or damage. */
export function readHeader(file: Buffer): Header | null {
  const factors: (Uint8Array | undefined)[] = [];
  const tables: (HuffmanTable | undefined)[] = [];
  let frame: Buffer | undefined;
  for (let at = 2; at + 4 <= file.length; ) {
    if (file[at] !== 0xff) return null;
    const marker = file[at + 1];
    const length = file.readUInt16BE(at + 2);
    const segment = file.subarray(at + 4, at + 2 + length);
    at += 2 + length;
    if (length < 2 || at > file.length) return null;
    if (marker === SCAN) return frame === undefined ? null : combine(frame, segment, factors, tables, at);
    if (marker === FACTORS) {
      if (!readFactors(segment, factors)) return null;
    } else if (marker === HUFFMAN_TABLES) {
      if (!readTables(segment, tables)) return null;
    } else if (marker === BASELINE_FRAME && frame === undefined) frame = segment;
    else if (marker !== JFIF && marker !== COMMENT) return null;
  }
  return null;
}

function readFactors(segment: Buffer, factors: (Uint8Array | undefined)[]): boolean {
  for (let at = 0; at < segment.length; at += 65) {
    const id = segment[at] ?? 0;
    // Larger ids are those of factors of 16 bits.
    if (id > 3 || at + 65 > segment.length) return false;
    factors[id] = segment.subarray(at + 1, at + 65);
  }
  return true;
}

/** Tables of DC coefficients are kept at 0 and 1, those of AC at 16 and 17: the numbers that the file gives them. */
function readTables(segment: Buffer, tables: (HuffmanTable | undefined)[]): boolean {
  for (let at = 0; at < segment.length; ) {
    const id = segment[at] ?? 0;
    let codes = 0;
    for (let length = 1; length <= 16; length++) codes += segment[at + length] ?? 0;
    const end = at + 17 + codes;
    if ((id & 0xee) !== 0 || end > segment.length) return false;
    const table = huffmanTable(segment.subarray(at + 1, end));
    if (table === null) return false;
    // Those of DC are sizes in bits.
    if (id < 0x10 && table.symbols.some((size) => size > 15)) return false;
    tables[id] = table;
    at = end;
  }
  return true;
}

function combine(
  frame: Buffer,
  scan: Buffer,
  factors: readonly (Uint8Array | undefined)[],
  tables: readonly (HuffmanTable | undefined)[],
  scanStart: number,
): Header | null {
  if (frame.length < 6) return null;
  const [bits, , , , , count = 0] = frame;
  const height = frame.readUInt16BE(1);
  const width = frame.readUInt16BE(3);
  if (bits !== 8 || height === 0 || width === 0 || (count !== 1 && count !== 3)) return null;
  if (frame.length !== 6 + 3 * count || scan.length !== 4 + 2 * count || scan[0] !== count) return null;
  // All coefficients of all bits at once, as baseline has it.
  if (scan[1 + 2 * count] !== 0 || scan[2 + 2 * count] !== 63 || scan[3 + 2 * count] !== 0) return null;
  const components: Component[] = [];
  for (let i = 0; i < count; i++) {
    const [id = 0, sampling = 0, factorsId = 0] = frame.subarray(6 + 3 * i);
    const [scanId = 0, tableIds = 0] = scan.subarray(1 + 2 * i);
    const used = factors[factorsId];
    const dc = tables[tableIds >> 4];
    const ac = tables[0x10 | (tableIds & 15)];
    if (id !== scanId || used === undefined || dc === undefined || ac === undefined) return null;
    // Other ids may stand for other colours.
    if (count === 3 && id !== i + 1) return null;
    // A component alone is not interleaved, whatever it says of its blocks.
    const [across, down] = count === 1 ? [1, 1] : [sampling >> 4, sampling & 15];
    components.push({ across, down, factors: used, dc, ac });
  }
  const [luma, ...chroma] = components.map(({ across, down }) => `${across}x${down}`);
  const known = luma === '1x1' || luma === '2x1' || luma === '2x2';
  return known && chroma.every((sampling) => sampling === '1x1') ? { height, width, components, scanStart } : null;
}
