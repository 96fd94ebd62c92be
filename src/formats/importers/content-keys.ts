/** The first 16 bytes of the sha256 of many images, in 16 bytes each: enough that no two images ever share them by chance. */
import { hash } from 'node:crypto';

const WORDS = 4;

export function contentKeys() {
  let words = new Uint32Array(WORDS * 1024);
  let count = 0;
  const set = (number: number, pixels: Uint8Array): void => {
    const digest = hash('sha256', pixels, 'buffer');
    for (let word = 0; word < WORDS; word++) words[number * WORDS + word] = digest.readUInt32BE(word * 4);
  };
  return {
    get count() {
      return count;
    },
    set,
    /** Answers the number of the image. */
    add(pixels: Uint8Array): number {
      if ((count + 1) * WORDS > words.length) {
        const larger = new Uint32Array(words.length * 2);
        larger.set(words);
        words = larger;
      }
      set(count, pixels);
      count += 1;
      return count - 1;
    },
    compare(a: number, b: number): number {
      for (let word = 0; word < WORDS; word++) {
        const difference = (words[a * WORDS + word] ?? 0) - (words[b * WORDS + word] ?? 0);
        if (difference !== 0) return difference;
      }
      return 0;
    },
  };
}
