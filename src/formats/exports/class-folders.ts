/**
 * One folder a class, and metadata.csv: what torchvision's ImageFolder and Hugging Face's imagefolder read. Folders begin with
 * the class index, so that their sorted order is the order of the classes. Words by which Hugging Face tells splits have tildes around
 * them: a class `train` would be taken for the training split, and the others for nothing.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Exporter } from './exporter.js';
import { samplesOf } from './pulled-set.js';

export const exportClassFolders: Exporter = async (set, to, { image, quality }, onSample) => {
  const { classNames } = set.manifest;
  const folders = classNames.map((name, index) => folderOf(name, index, classNames.length));
  for (const folder of folders) await mkdir(join(to, folder), { recursive: true });
  const encode = image === 'png' ? async (png: Buffer) => png : await jpegEncoder(quality);
  const table = createWriteStream(join(to, 'metadata.csv'));
  const done = finished(table);
  // It is awaited at the end; what fails before ends the loop, or is heard of then.
  done.catch(() => undefined);
  table.write('file_name,label,class_name,slot,cell\n');
  for await (const { key, png, label, className, slot, cell } of samplesOf(set)) {
    const path = `${folders[label]}/${key}.${image === 'png' ? 'png' : 'jpg'}`;
    await writeFile(join(to, path), await encode(png));
    table.write(`${[path, label, className, slot, cell].map(cellOf).join(',')}\n`);
    onSample();
  }
  table.end();
  await done;
};

/** Of `datasets`, between anything but letters. */
const SPLIT_WORD = /(?<!\p{L})(training|train|validation|valid|val|dev|testing|test|evaluation|eval)(?!\p{L})/giu;

/** Letters and digits of any script stay; the rest could mean something to a file system. */
function folderOf(name: string, index: number, classes: number): string {
  const digits = String(index).padStart(String(classes - 1).length, '0');
  const readable = name
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}._-]+/gu, '_')
    .slice(0, 60)
    .replace(SPLIT_WORD, '~$1~');
  return `${digits}_${readable}`;
}

const cellOf = (value: string | number): string => {
  const text = String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

async function jpegEncoder(quality: number): Promise<(png: Buffer) => Promise<Buffer>> {
  const { default: sharp } = await import('sharp');
  return async (png) => {
    const image = sharp(png);
    // sharp would write three equal channels of a grey image.
    if ((await image.metadata()).channels === 1) image.toColourspace('b-w');
    return image.jpeg({ quality, chromaSubsampling: '4:4:4' }).toBuffer();
  };
}
