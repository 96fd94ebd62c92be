/** What a JPEG file says before its pixels (ITU-T T.81, annex B), where it is of the plain kind. */

export interface Header {
  readonly height: number;
  readonly width: number;
  /** 1, grey; or 3, YCbCr. */
  readonly channels: number;
}

// Segments that tell how the pixels are compressed, or nothing that matters.
const BASELINE_FRAME = 0xc0;
const HUFFMAN_TABLES = 0xc4;
const SCAN = 0xda;
const FACTORS = 0xdb;
const JFIF = 0xe0;
const COMMENT = 0xfe;
/** Luma of 1 x 1, 2 x 1 or 2 x 2 times the pixels of chroma. */
const SAMPLINGS = [0x11, 0x21, 0x22];
const MEANINGLESS = [HUFFMAN_TABLES, FACTORS, JFIF, COMMENT];

/** Null for a file that holds anything else: another process, colour profiles, orientations, restarts, or damage. */
export function readHeader(file: Buffer): Header | null {
  let frame: Header | null = null;
  for (let at = 2; at + 4 <= file.length; ) {
    if (file[at] !== 0xff) return null;
    const marker = file[at + 1] ?? 0;
    const length = file.readUInt16BE(at + 2);
    const segment = file.subarray(at + 4, at + 2 + length);
    at += 2 + length;
    if (length < 2 || at > file.length) return null;
    // All components at once, as baseline mostly has it.
    if (marker === SCAN) return segment[0] === frame?.channels ? frame : null;
    if (marker === BASELINE_FRAME && frame === null) frame = readFrame(segment);
    else if (!MEANINGLESS.includes(marker)) return null;
  }
  return null;
}

function readFrame(segment: Buffer): Header | null {
  if (segment.length < 6) return null;
  const [bits, , , , , channels = 0] = segment;
  const [height, width] = [segment.readUInt16BE(1), segment.readUInt16BE(3)];
  if (bits !== 8 || height === 0 || width === 0 || segment.length !== 6 + 3 * channels) return null;
  if (channels === 1) return { height, width, channels };
  const ids = [6, 9, 12].map((at) => segment[at]);
  const [luma = 0, ...chroma] = [7, 10, 13].map((at) => segment[at]);
  // Other ids may stand for other colours; other samplings are stretched by every decoder in its way.
  const isPlain = ids.every((id, i) => id === i + 1) && SAMPLINGS.includes(luma) && chroma.every((one) => one === 0x11);
  return channels === 3 && isPlain ? { height, width, channels } : null;
}
