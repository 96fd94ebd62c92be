/** Image files that tests make themselves: every one of another colour, so that what was read can be told apart. */
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { type Header, pack } from 'tar-stream';

/** Files by their paths. */
export type FileTree = Record<string, Buffer | string>;

/** A plain image of one colour, [r, g, b]. */
export const plain = (colour: readonly [number, number, number], height = 6, width = 8): Sharp => {
  const [r, g, b] = colour;
  return sharp({ create: { width, height, channels: 3, background: { r, g, b } } });
};

/** A PNG file of the colour that a number stands for. */
export const numbered = (n: number, height = 6, width = 8): Promise<Buffer> =>
  plain([n % 256, 255 - (n % 256), (n * 7) % 256], height, width)
    .png()
    .toBuffer();

/** Class folders with `train` and `test` images of each class, all different. */
export async function classFolderTree(
  classes: readonly string[],
  { train = 3, test = 1 }: { train?: number; test?: number } = {},
): Promise<FileTree> {
  const tree: FileTree = {};
  let n = 0;
  for (const name of classes) {
    for (let i = 0; i < train; i++) tree[`train/${name}/${i}.png`] = await numbered(n++);
    for (let i = 0; i < test; i++) tree[`test/${name}/${i}.png`] = await numbered(n++);
  }
  return tree;
}

export async function writeTree(folder: string, tree: FileTree): Promise<string> {
  for (const [path, bytes] of Object.entries(tree)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
  return folder;
}

/** A tar archive, gzipped where its name says so; `extra` are members that are no plain files. */
export async function writeTar(
  path: string,
  tree: FileTree,
  extra: readonly (Partial<Header> & { name: string })[] = [],
): Promise<string> {
  const archive = pack();
  for (const header of extra) archive.entry(header);
  for (const [name, bytes] of Object.entries(tree)) archive.entry({ name }, bytes);
  archive.finalize();
  const out = createWriteStream(path);
  await (path.endsWith('.gz') ? pipeline(archive, createGzip(), out) : pipeline(archive, out));
  return path;
}
