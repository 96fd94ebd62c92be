import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { random } from '../../src/domain/random.js';
import { augmentationBoxes } from '../../workers/nn/views.js';

const shape = { height: 12, width: 20, channels: 1 };
const N = 500;

/** Boxes of `N` images, as [top, left, bottom, right]. */
function draw(augmentation: { flip: boolean; shift: number }, cropScaleMin: number, seed = 1): number[][] {
  const boxes = augmentationBoxes(augmentation, cropScaleMin, shape, N, random(seed, 'test'));
  return Array.from({ length: N }, (_, i) => [...boxes.subarray(4 * i, 4 * i + 4)]);
}

describe('augmentation', () => {
  it('leaves an image whole without crop, flip and shift', () => {
    for (const box of draw({ flip: false, shift: 0 }, 1)) assert.deepEqual(box, [0, 0, 11, 19]);
  });

  it('crops within the image, with areas from the smallest share to nearly all of it', () => {
    const shares = draw({ flip: false, shift: 0 }, 0.3).map(([top = 0, left = 0, bottom = 0, right = 0]) => {
      assert.ok(top >= 0 && left >= 0 && bottom <= 11 + 1e-5 && right <= 19 + 1e-5, `${[top, left, bottom, right]}`);
      return ((bottom - top + 1) * (right - left + 1)) / (12 * 20);
    });
    assert.ok(Math.min(...shares) > 0.299 && Math.min(...shares) < 0.35, `smallest share ${Math.min(...shares)}`);
    assert.ok(Math.max(...shares) > 0.9, `largest share ${Math.max(...shares)}`);
  });

  it('flips about half of the crops by swapping their columns', () => {
    const plain = draw({ flip: false, shift: 0 }, 1);
    const flipped = draw({ flip: true, shift: 0 }, 1);
    const mirrored = flipped.filter(([, left = 0, , right = 0]) => left > right);
    assert.ok(mirrored.length > N / 3 && mirrored.length < (2 * N) / 3, `${mirrored.length} of ${N}`);
    for (const [top, left, bottom, right] of mirrored) assert.deepEqual([top, right, bottom, left], plain[0]);
  });

  it('shifts by whole pixels up to the limit, in both directions, a flipped image too', () => {
    const seen = new Set<string>();
    for (const [top = 0, left = 0, bottom = 0, right = 0] of draw({ flip: true, shift: 2 }, 1)) {
      assert.deepEqual([bottom - top, Math.abs(right - left)], [11, 19]);
      seen.add(`${top},${Math.min(left, right)}`);
    }
    const every = [-2, -1, 0, 1, 2].flatMap((dy) => [-2, -1, 0, 1, 2].map((dx) => `${dy},${dx}`));
    assert.deepEqual([...seen].sort(), every.sort());
  });

  it('is the same again with the same seed, and another with another', () => {
    const options = [{ flip: true, shift: 2 }, 0.5] as const;
    assert.deepEqual(draw(...options), draw(...options));
    assert.notDeepEqual(draw(...options), draw(...options, 2));
  });
});
