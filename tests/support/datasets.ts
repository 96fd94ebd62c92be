/** Small datasets in every layout, of the same images: 2 training and 1 test image of each of two classes, 6 x 8 pixels. */
import { writeFile } from 'node:fs/promises';
import { ByteWriter, parquetWrite } from 'hyparquet-writer';
import { ZipFile } from 'yazl';
import { type FileTree, numbered } from './images.js';

interface Member {
  readonly n: number;
  readonly label: number;
  readonly split: 'train' | 'test';
}

export const MEMBERS: readonly Member[] = [
  { n: 10, label: 0, split: 'train' },
  { n: 11, label: 0, split: 'train' },
  { n: 20, label: 1, split: 'train' },
  { n: 21, label: 1, split: 'train' },
  { n: 12, label: 0, split: 'test' },
  { n: 22, label: 1, split: 'test' },
];
const CLASSES = ['cat', 'dog'];

export async function asClassFolders(): Promise<FileTree> {
  const tree: FileTree = {};
  for (const { n, label, split } of MEMBERS) tree[`${split}/${CLASSES[label]}/${n}.png`] = await numbered(n);
  return tree;
}

export async function asShard(split: string): Promise<FileTree> {
  const tree: FileTree = {};
  for (const { n, label } of MEMBERS.filter((member) => member.split === split)) {
    tree[`${n}.seg.png`] = Buffer.from('not for us');
    tree[`${n}.png`] = await numbered(n);
    tree[`${n}.cls`] = `${label}\n`;
  }
  return tree;
}

export async function asList(kind: 'csv' | 'jsonl'): Promise<FileTree> {
  const tree: FileTree = {};
  const rows = MEMBERS.map(({ n, label, split }) => ({ file_name: `pictures/${n}.png`, label: CLASSES[label], split }));
  for (const { n } of MEMBERS) tree[`data/pictures/${n}.png`] = await numbered(n);
  const csv = ['file_name,label,split', ...rows.map((row) => Object.values(row).join(','))];
  tree[`data/metadata.${kind}`] = kind === 'csv' ? csv.join('\r\n') : rows.map((row) => JSON.stringify(row)).join('\n');
  return tree;
}

/** As `datasets` writes it: a struct of bytes and path, and the features in a note. */
export async function asParquet(split: string, names = CLASSES): Promise<Buffer> {
  const rows = MEMBERS.filter((member) => member.split === split);
  const bytes = await Promise.all(rows.map(({ n }) => numbered(n)));
  const features = { image: { _type: 'Image' }, label: { names, _type: 'ClassLabel' } };
  const writer = new ByteWriter();
  parquetWrite({
    writer,
    schema: [
      { name: 'schema', num_children: 2 },
      { name: 'image', repetition_type: 'OPTIONAL', num_children: 2 },
      { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
      { name: 'path', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL', converted_type: 'UTF8' },
      { name: 'label', type: 'INT64', repetition_type: 'OPTIONAL' },
    ],
    columnData: [
      { name: 'image', data: rows.map(({ n }, i) => ({ bytes: new Uint8Array(bytes[i] ?? []), path: `${n}.png` })) },
      { name: 'label', data: rows.map(({ label }) => BigInt(label)) },
    ],
    rowGroupSize: 3,
    kvMetadata: [{ key: 'huggingface', value: JSON.stringify({ info: { features } }) }],
  });
  return Buffer.from(writer.getBuffer());
}

export async function writeZip(path: string, tree: FileTree, options = { compress: true }): Promise<string> {
  const archive = new ZipFile();
  for (const [name, bytes] of Object.entries(tree)) archive.addBuffer(Buffer.from(bytes), name, options);
  archive.end();
  const chunks: Buffer[] = [];
  for await (const chunk of archive.outputStream as unknown as AsyncIterable<Buffer>) chunks.push(chunk);
  await writeFile(path, Buffer.concat(chunks));
  return path;
}
