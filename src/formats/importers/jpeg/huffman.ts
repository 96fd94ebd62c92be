/** Huffman tables (ITU-T T.81, annex C), made for looking up several bits at once. */

export interface HuffmanTable {
  /** For every value of the next `LOOK_BITS` bits that begins with a whole code: its length << 8 | its symbol; else 0. */
  readonly look: Uint16Array;
  /**
   * For every value of the next `LOOK_BITS` bits that begins with a whole code of an AC coefficient and the bits of that:
   * coefficient << 8 | zeros before it << 4 | bits of both; else 0.
   */
  readonly whole: Int16Array;
  /** For every length, one more than its largest code, brought to 16 bits: codes of this length are smaller. */
  readonly ends: Int32Array;
  /** For every length, what a code of it adds up with to the index of its symbol. */
  readonly offsets: Int32Array;
  readonly symbols: Uint8Array;
}

export const LOOK_BITS = 9;
const MAX_BITS = 16;
/** Most files of a dataset have the same few: those of the standard, or of the program that wrote them. */
const REMEMBERED = 16;

const remembered: { definition: Buffer; table: HuffmanTable }[] = [];

/** `definition`: 16 counts of codes by their length, and the symbols. Null where no code is so. */
export function huffmanTable(definition: Buffer): HuffmanTable | null {
  for (const known of remembered) if (known.definition.equals(definition)) return known.table;
  const table = build(definition);
  if (table === null) return null;
  if (remembered.length === REMEMBERED) remembered.shift();
  remembered.push({ definition: Buffer.from(definition), table });
  return table;
}

function build(definition: Buffer): HuffmanTable | null {
  const symbols = Uint8Array.from(definition.subarray(MAX_BITS));
  const look = new Uint16Array(1 << LOOK_BITS);
  const ends = new Int32Array(MAX_BITS + 1);
  const offsets = new Int32Array(MAX_BITS + 1);
  let code = 0;
  let index = 0;
  for (let length = 1; length <= MAX_BITS; length++) {
    const count = definition[length - 1] ?? 0;
    offsets[length] = index - code;
    for (let i = 0; i < count; i++, code++, index++) {
      if (length > LOOK_BITS) continue;
      const first = code << (LOOK_BITS - length);
      look.fill((length << 8) | (symbols[index] ?? 0), first, first + (1 << (LOOK_BITS - length)));
    }
    // More codes than there are bits for, or one of nothing but ones.
    if (code >= 1 << length && count > 0) return null;
    ends[length] = code << (MAX_BITS - length);
    code <<= 1;
  }
  return { look, whole: wholeOf(look), ends, offsets, symbols };
}

function wholeOf(look: Uint16Array): Int16Array {
  return Int16Array.from(look, (found, bits) => {
    const length = found >> 8;
    const size = found & 15;
    if (length === 0 || size === 0 || length + size > LOOK_BITS) return 0;
    const magnitude = (bits >> (LOOK_BITS - length - size)) & ((1 << size) - 1);
    return (signed(magnitude, size) << 8) | (found & 0xf0) | (length + size);
  });
}

/** Of `size` bits, those that begin with 0 are negative (ITU-T T.81, F.2.2.1). */
export const signed = (magnitude: number, size: number): number =>
  magnitude < 1 << (size - 1) ? magnitude - (1 << size) + 1 : magnitude;
