/** Which columns of a Parquet file hold images and labels: what the Hub's own note in it says, or what its schema looks like. */
import type { FileMetaData } from 'hyparquet';
import { parquetSchema } from 'hyparquet';
import { z } from 'zod';
import { TeddyhubError } from '../../../domain/errors.js';

export interface Columns {
  readonly image: string;
  readonly label: string;
  /** Of the classes, in the order of their numbers, where the file knows them. */
  readonly names: readonly string[] | undefined;
}

const feature = z.object({ _type: z.string().optional(), names: z.array(z.string()).optional() });
const note = z.object({ info: z.object({ features: z.record(z.string(), z.unknown()) }) });

/** `label` picks one of several labels. Throws BAD_INPUT_FILE where there is no image or no single label. */
export function columnsOf(metadata: FileMetaData, label: string | null, path: string): Columns {
  const features = featuresOf(metadata);
  const of = (type: string) => [...features].filter(([, { _type }]) => _type === type).map(([name]) => name);
  const schema = parquetSchema(metadata).children;
  const columns = schema.map(({ element }) => element.name);
  const structs = schema
    .filter(({ children }) => children.some(({ element }) => element.name === 'bytes'))
    .map(({ element }) => element.name);
  const image = of('Image')[0] ?? structs[0] ?? columns.find((name) => name === 'image');
  if (image === undefined) throw bad(path, `it has no column of images among ${columns.join(', ')}`);
  const labels = of('ClassLabel');
  if (label !== null && !columns.includes(label))
    throw bad(path, `it has no column ${label} among ${columns.join(', ')}`);
  if (label === null && labels.length > 1) {
    throw bad(path, `it has several labels (${labels.join(', ')}): say with label which one counts`);
  }
  const chosen = label ?? labels[0] ?? columns.find((name) => name === 'label' || name === 'labels');
  if (chosen === undefined) {
    throw bad(path, `it has no column of labels among ${columns.join(', ')}: say with label which one it is`);
  }
  return { image, label: chosen, names: features.get(chosen)?.names };
}

function featuresOf({ key_value_metadata: entries }: FileMetaData): Map<string, z.infer<typeof feature>> {
  const text = entries?.find(({ key }) => key === 'huggingface')?.value;
  const features = new Map<string, z.infer<typeof feature>>();
  try {
    const { info } = note.parse(JSON.parse(text ?? '{"info":{"features":{}}}'));
    for (const [name, value] of Object.entries(info.features)) {
      const parsed = feature.safeParse(value);
      if (parsed.success) features.set(name, parsed.data);
    }
  } catch {
    // A note that nobody can read is no worse than none: the schema still tells.
  }
  return features;
}

const bad = (path: string, reason: string): TeddyhubError => new TeddyhubError('BAD_INPUT_FILE', `${path}: ${reason}.`);
