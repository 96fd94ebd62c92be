/**
 * Parquet as Hugging Face datasets writes it: `image` a struct of bytes and path, `label` a ClassLabel, `logits`; the
 * features are in the file's metadata, so that `load_dataset("parquet", ...)` gives images and class names, and so is what training needs
 * beside the samples, as JSON under "teddyhub".
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileWriter, ParquetWriter } from 'hyparquet-writer';
import { floatsOf } from '../float16.js';
import type { Exporter } from './exporter.js';
import { factsOf } from './facts.js';
import { hasLogits, type PulledSample, samplesOf } from './pulled-set.js';

/** Rows that are in memory at once. */
const ROW_GROUP = 1000;

export const exportParquet: Exporter = async (set, to, _options, onSample) => {
  const { manifest } = set;
  const soft = hasLogits(manifest);
  await mkdir(join(to, 'data'), { recursive: true });
  const writer = new ParquetWriter({
    writer: fileWriter(join(to, 'data', 'train-00000-of-00001.parquet')),
    schema: [
      { name: 'schema', num_children: soft ? 3 : 2 },
      { name: 'image', repetition_type: 'OPTIONAL', num_children: 2 },
      { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
      { name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
      { name: 'label', type: 'INT64', repetition_type: 'OPTIONAL' },
      ...(soft
        ? ([
            { name: 'logits', repetition_type: 'OPTIONAL', converted_type: 'LIST', num_children: 1 },
            { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
            { name: 'element', type: 'FLOAT', repetition_type: 'OPTIONAL' },
          ] as const)
        : []),
    ],
    kvMetadata: [
      { key: 'huggingface', value: JSON.stringify({ info: { features: featuresOf(manifest.classNames, soft) } }) },
      { key: 'teddyhub', value: JSON.stringify(factsOf(manifest)) },
    ],
  });
  let rows: PulledSample[] = [];
  const flush = async () => {
    if (rows.length === 0) return;
    await writer.write({
      columnData: [
        { name: 'image', data: rows.map(({ png, key }) => ({ bytes: new Uint8Array(png), path: `${key}.png` })) },
        { name: 'label', data: rows.map(({ label }) => BigInt(label)) },
        ...(soft
          ? [{ name: 'logits', data: rows.map(({ logits }) => [...floatsOf(logits ?? new Uint16Array())]) }]
          : []),
      ],
      rowGroupSize: ROW_GROUP,
    });
    rows = [];
  };
  for await (const sample of samplesOf(set)) {
    rows.push(sample);
    if (rows.length === ROW_GROUP) await flush();
    onSample();
  }
  await flush();
  await writer.finish();
};

/** As the Hugging Face library writes them. `Sequence` is what its releases before 4 know, and later ones read as `List`. */
const featuresOf = (names: readonly string[], soft: boolean) => ({
  image: { _type: 'Image' },
  label: { names, _type: 'ClassLabel' },
  ...(soft ? { logits: { feature: { dtype: 'float32', _type: 'Value' }, _type: 'Sequence' } } : {}),
});
