import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { type Random, random } from '../../src/domain/random.js';
import { decodePlainJpeg } from '../../src/formats/importers/jpeg/decode.js';

/** 17 x 19 pixels with chroma of half the width, which libvips does not write: by Pillow 13. */
const HALF_WIDTH_CHROMA = Buffer.from(
  [
    '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5a',
    'YVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wAAR',
    'CAARABMDASEAAhEBAxEB/8QAFwAAAwEAAAAAAAAAAAAAAAAAAAUGB//EACgQAAAEBAUDBQAAAAAAAAAAAAABAhEDBBITBRQhMXEyUZFBUoLB',
    'wv/EABgBAAMBAQAAAAAAAAAAAAAAAAQFBgIB/8QAKREAAAUCAwcFAAAAAAAAAAAAAAECAxEEIRQ0gQYSEzFSobFRcZHR4f/aAAwDAQACEQMR',
    'AD8AZSaiWa21ZtwkwSGeCHHzbLvU02tWZ93buDqioSph1qLq3Y0ORhmiccdQ2RlKp7CozMP2xPABOcZPoHUBRKxVS9V5Vupmr0fyFkKYRGM8',
    '1FQdPS6m5BzanFySuYnqGqfWhLyDk0zeCtNvYWJS8u3b5GAJcPVdB/H4O497q7F9Cbx7ql+F/kTpenP0KFnMJ18DOz+SXp5MaEe4A2AY/9k=',
  ].join(''),
  'base64',
);

type Seen = 'SAME' | 'OTHER' | 'LEFT' | 'REFUSED' | 'TAKEN_THOUGH_REFUSED';

/** What becomes of a file here, beside what becomes of it in libvips. */
async function compare(file: Buffer): Promise<Seen> {
  const ours = await decodePlainJpeg(file);
  const theirs = await sharp(file, { failOn: 'warning' })
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch(() => null);
  if (theirs === null) return ours === null ? 'REFUSED' : 'TAKEN_THOUGH_REFUSED';
  if (ours === null) return 'LEFT';
  const { data, info } = theirs;
  const repeated = info.channels / ours.channels;
  const same = data.every((value, i) => value === ours.pixels[Math.floor(i / repeated)]);
  return same && info.width === ours.width && info.height === ours.height ? 'SAME' : 'OTHER';
}

/** Photographs in miniature: patches of colour under some noise; of any size, quality and sampling. */
function photograph(chance: Random) {
  const [width, height] = [1 + chance.integer(90), 1 + chance.integer(90)];
  const channels = chance.integer(4) === 0 ? 1 : 3;
  const noise = 1 + chance.integer(120);
  const pixels = Buffer.alloc(width * height * channels);
  for (let i = 0; i < pixels.length; i++) {
    const at = Math.floor(i / channels);
    const patch = Math.floor((at % width) / 9) * 83 + Math.floor(at / width / 7) * 151 + (i % channels) * 57;
    pixels[i] = Math.min(255, (patch % 200) + chance.integer(noise));
  }
  const chromaSubsampling = ['4:4:4', '4:2:0'][chance.integer(2)] ?? '';
  return sharp(pixels, { raw: { width, height, channels } }).jpeg({
    quality: 5 + chance.integer(96),
    chromaSubsampling,
    optimizeCoding: chance.integer(2) === 0,
  });
}

describe('small JPEG files of the plain kind', () => {
  it('have the very pixels that libvips reads from them', async () => {
    const chance = random(7, 'photographs');
    for (let i = 0; i < 150; i++) assert.equal(await compare(await photograph(chance).toBuffer()), 'SAME', `${i}`);
    assert.equal(await compare(HALF_WIDTH_CHROMA), 'SAME');
  });

  it('are refused wherever libvips finds damage', async () => {
    const chance = random(8, 'damage');
    const seen = new Map<Seen, number>();
    for (let i = 0; i < 60; i++) {
      const whole = await photograph(chance).toBuffer();
      for (let change = 0; change < 8; change++) {
        const file = Buffer.from(whole.subarray(0, change === 0 ? 2 + chance.integer(whole.length - 3) : whole.length));
        if (change > 0) file[chance.integer(file.length)] = chance.integer(256);
        const outcome = await compare(file);
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
      }
    }
    // Damage that neither notices may look different: coefficients beyond all bounds wrap around in one and not in the other.
    assert.equal(seen.get('TAKEN_THOUGH_REFUSED'), undefined);
    assert.ok((seen.get('REFUSED') ?? 0) > 60, `${[...seen]}`);
  });

  it('are no others: progressive, rotated, with a profile, of four colours, large, or of another format', async () => {
    const plain = () => sharp({ create: { width: 32, height: 24, channels: 3, background: '#1fa37c' } });
    assert.equal(await compare(await plain().jpeg().toBuffer()), 'SAME');
    const others = {
      progressive: plain().jpeg({ progressive: true }),
      rotated: plain().jpeg().withMetadata({ orientation: 6 }),
      profile: plain().jpeg().withIccProfile('p3'),
      cmyk: plain().toColourspace('cmyk').jpeg(),
      large: plain().resize(200, 200).jpeg(),
      png: plain().png(),
    };
    for (const [name, image] of Object.entries(others))
      assert.equal(await decodePlainJpeg(await image.toBuffer()), null, name);
    assert.equal(await decodePlainJpeg(Buffer.alloc(0)), null);
  });
});
