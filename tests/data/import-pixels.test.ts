/** What the decoder makes of formats, depths, profiles, alpha, orientation and sizes. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import sharp from 'sharp';
import { readSplit } from '../../src/formats/dataset-splits.js';
import { classFolderTree, type FileTree, plain } from '../support/images.js';
import { type Importing, openImporting } from '../support/importing.js';

let importing: Importing;
before(async () => {
  importing = await openImporting();
});
after(() => importing.close());

describe('what becomes of an image', () => {
  const firstPixel = async (file: Buffer, image: Record<string, unknown> = {}) => {
    const tree: FileTree = { ...(await classFolderTree(['cat', 'dog'])), 'test/cat/0.png': file };
    delete tree['test/dog/0.png'];
    const { test, shape } = await importing.runTree(tree, { image: { channels: 3, ...image } });
    const { images } = await readSplit(importing.store, test);
    return { pixels: [...images], shape };
  };
  const near = (pixels: number[], wanted: number[], tolerance: number) => {
    for (const [i, value] of wanted.entries())
      assert.ok(Math.abs((pixels[i] ?? -1) - value) <= tolerance, `${pixels.slice(0, 3)}`);
  };

  it('JPEG, WebP, CMYK, 16 bit and palettes become 8-bit RGB', async () => {
    const colour = plain([200, 100, 50]);
    near((await firstPixel(await colour.clone().jpeg({ quality: 100 }).toBuffer())).pixels, [200, 100, 50], 3);
    near((await firstPixel(await colour.clone().webp({ lossless: true }).toBuffer())).pixels, [200, 100, 50], 0);
    near((await firstPixel(await colour.clone().png({ palette: true }).toBuffer())).pixels, [200, 100, 50], 1);
    near((await firstPixel(await colour.clone().toColourspace('rgb16').png().toBuffer())).pixels, [200, 100, 50], 1);
    for (const profile of ['srgb', 'p3']) {
      const wide = await colour.clone().toColourspace('rgb16').withIccProfile(profile).png().toBuffer();
      near((await firstPixel(wide)).pixels, [200, 100, 50], 2);
    }
    const cmyk = await colour.clone().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
    assert.equal((await sharp(cmyk).metadata()).space, 'cmyk');
    near((await firstPixel(cmyk)).pixels, [200, 100, 50], 40);
  });

  it('alpha is laid over white', async () => {
    const half = sharp({
      create: { width: 8, height: 6, channels: 4, background: { r: 200, g: 100, b: 50, alpha: 0.5 } },
    });
    near((await firstPixel(await half.png().toBuffer())).pixels, [228, 178, 153], 2);
  });

  it('alpha is laid over white, and orientation applied, in 16 bits with a profile as well', async () => {
    const half = sharp({
      create: { width: 6, height: 8, channels: 4, background: { r: 200, g: 100, b: 50, alpha: 0.5 } },
    });
    const wide = half.toColourspace('rgb16').withMetadata({ orientation: 6, icc: 'srgb' });
    const { pixels, shape } = await firstPixel(await wide.png().toBuffer());
    near(pixels, [228, 178, 153], 2);
    assert.deepEqual([shape.height, shape.width], [6, 8]);
  });

  it('EXIF orientation is applied', async () => {
    const pixels = Buffer.alloc(6 * 8 * 3);
    pixels.fill(255, 0, 3);
    const turned = await sharp(pixels, { raw: { width: 6, height: 8, channels: 3 } })
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    const { pixels: seen, shape } = await firstPixel(turned);
    assert.deepEqual(shape, { height: 6, width: 8, channels: 3 });
    // Turned clockwise, the upper left pixel is at the upper right.
    assert.equal(seen.indexOf(255), 7 * 3);
  });

  for (const [fit, wanted] of [
    ['CROP', [0, 0, 255]],
    ['STRETCH', [255, 0, 0]],
    ['PAD', [255, 255, 255]],
  ] as const) {
    it(`${fit} decides what a wide image is brought to`, async () => {
      // Red, blue, red: the middle third is blue.
      const wide = Buffer.alloc(30 * 10 * 3);
      for (let i = 0; i < 300; i++) wide[i * 3 + (i % 30 >= 10 && i % 30 < 20 ? 2 : 0)] = 255;
      const file = await sharp(wide, { raw: { width: 30, height: 10, channels: 3 } })
        .png()
        .toBuffer();
      const { pixels } = await firstPixel(file, { size: { height: 9, width: 9 }, fit });
      near(pixels, [...wanted], 12);
    });
  }
});
