/** Trials of the import benchmark: an import by our job, and the loops that it is compared with, over the same files. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import type { z } from 'zod';
import { datasetSource } from '../../src/domain/jobs/dataset-import.js';
import { random } from '../../src/domain/random.js';
import { readSplit } from '../../src/formats/dataset-splits.js';
import { decodePlainJpeg } from '../../src/formats/importers/jpeg/decode.js';
import { openFolderObjectStore } from '../../src/platform/object-store/folder-object-store.js';
import { importDataset } from '../../workers/jobs/dataset-import.js';
import { root } from './report.js';

export interface Trial {
  readonly images: number;
  readonly seconds: number;
}

export const perSecond = ({ images, seconds }: Trial): number => Math.round(images / seconds);

const seconds = (start: number): number => (performance.now() - start) / 1000;

/** Imports into a store of its own. */
export async function importInto(source: z.input<typeof datasetSource>, work: string) {
  const folder = join(work, 'objects');
  rmSync(folder, { recursive: true, force: true });
  const context = {
    store: await openFolderObjectStore(folder),
    scratch: join(work, 'scratch'),
    resumeFrom: undefined,
    progress: () => undefined,
    metric: () => undefined,
    checkpoint: async () => undefined,
    stopping: () => false,
    breathe: () => turn(),
  };
  const start = performance.now();
  const result = await importDataset({ source: datasetSource.parse(source) }, context);
  const images = [...result.train, ...result.test].reduce((sum, { samples }) => sum + samples, 0);
  const imported: Trial = { images, seconds: seconds(start) };
  return { store: context.store, result, imported };
}

/** Reads all shards, as a worker does before it trains. */
export async function readShards({ store, result, imported }: Awaited<ReturnType<typeof importInto>>): Promise<Trial> {
  const start = performance.now();
  await readSplit(store, result.train);
  await readSplit(store, result.test);
  return { images: imported.images, seconds: seconds(start) };
}

/** What anybody would write: one file after the other through sharp. */
export async function sharpLoop(files: readonly string[]): Promise<Trial> {
  const start = performance.now();
  for (const file of files) await sharp(file).raw().toBuffer();
  return { images: files.length, seconds: seconds(start) };
}

/** How many of the files are decoded here and not by libvips, and how many of those have every pixel as libvips has it. */
export async function comparePixels(files: readonly string[]) {
  let decodedHere = 0;
  let equal = 0;
  for (const file of files) {
    const ours = await decodePlainJpeg(readFileSync(file));
    if (ours === null) continue;
    decodedHere += 1;
    const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
    const repeated = info.channels / ours.channels;
    if (data.every((value, i) => value === ours.pixels[Math.floor(i / repeated)])) equal += 1;
  }
  return { images: files.length, decodedHere, equal };
}

export function imageFolderLoop(python: string, folder: string, limit: number): Trial & { versions: unknown } {
  const peer = [root('bench/peers/image_folder.py'), folder, String(limit)];
  const { status, stdout } = spawnSync(python, peer, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (status !== 0) throw new Error(`${python} has no torchvision that works: name another one by --python.`);
  return JSON.parse(stdout) as Trial & { versions: unknown };
}

/** Image files of class folders in the order in which ImageFolder has them. */
export function filesOf(folder: string, limit: number): string[] {
  const files: string[] = [];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && /\.(jpe?g|png)$/i.test(entry.name)) files.push(join(entry.parentPath, entry.name));
  }
  return files.sort().slice(0, limit);
}

/** Class folders of PNG files of 16 x 16 pixels that are all different; two of the folders hold most of them. */
export function generateFolder(folder: string, files: number): void {
  const noise = random(0, 'files');
  // Every row begins with its filter, none.
  const rows = Buffer.from(Array.from({ length: 16 * 49 }, (_, i) => (i % 49 === 0 ? 0 : noise.integer(256))));
  for (const name of ['train/many', 'train/few', 'test/many', 'test/few'])
    mkdirSync(join(folder, name), { recursive: true });
  for (let i = 0; i < files; i++) {
    rows.writeUInt32BE(i, 1);
    const place = i % 10 === 0 ? 'test' : 'train';
    writeFileSync(join(folder, place, i % 10 < 6 ? 'many' : 'few', `${i}.png`), plainPng(rows));
  }
}

/** An RGB file of 16 x 16 pixels without compression: 200,000 of them are made in seconds. */
function plainPng(rows: Buffer): Buffer {
  const header = Buffer.from([0, 0, 0, 16, 0, 0, 0, 16, 8, 2, 0, 0, 0]);
  const chunk = (name: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const data = deflateSync(rows, { level: 0 });
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]);
}
