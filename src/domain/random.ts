/**
 * Seeded random streams. A stream is named by a seed and labels (`random(seed, 'augment', step)`), so what is drawn at a
 * step depends on the step alone: resuming needs only a position, and no worker's order of work changes a result.
 */

export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  uniform(): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** Uniform integer in [0, n). */
  integer(n: number): number;
  boolean(): boolean;
  /** Standard normal. */
  normal(): number;
  /** A uniform permutation of 0 .. n - 1. */
  permutation(n: number): Int32Array;
}

/** FNV-1a over the text, with the finalizer of MurmurHash3. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The generator sfc32 (C. Doty-Humphrey, PractRand), keyed by hashes of the stream's name. */
export function random(seed: number, ...labels: readonly (string | number)[]): Random {
  const name = [seed, ...labels].join('/');
  let [a, b, c, counter] = [hash(`a/${name}`), hash(`b/${name}`), hash(`c/${name}`), 1];
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let i = 0; i < 15; i++) next();
  const uniform = () => next() / 2 ** 32;
  const integer = (n: number) => Math.floor(uniform() * n);
  return {
    uniform,
    integer,
    between: (low, high) => low + (high - low) * uniform(),
    boolean: () => next() >= 2 ** 31,
    // Box and Muller's transform; 1 - u keeps the logarithm finite.
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    permutation(n) {
      const order = Int32Array.from({ length: n }, (_, i) => i);
      for (let i = n - 1; i > 0; i--) {
        const j = integer(i + 1);
        const kept = order[i] as number;
        order[i] = order[j] as number;
        order[j] = kept;
      }
      return order;
    },
  };
}
