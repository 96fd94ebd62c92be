/**
 * Image files and a list of them: the only `.csv` or `.jsonl` file of the source (`metadata.csv`, as Hugging Face's
 * imagefolder has it, before others). Columns: the file's path relative to the list (`file_name`, `path`, `file`, `filename`,
 * `image`), its class (`label`, `class`, `class_name`, `category`, or the one that is named), and if there is one its split
 * (`split`); otherwise folders tell the split.
 */
import { createInterface } from 'node:readline';
import { parse } from 'csv-parse';
import { TeddyhubError } from '../../../domain/errors.js';
import { type FileEntry, normalisePath } from '../entries/entry.js';
import { numberedClasses, type Split, sortedClasses } from '../sample.js';
import { splitChooser, splitFolder } from '../splits.js';
import { baseName, imageSample, type Layout, partsOf, skipped } from './layout.js';

const LIST = /\.(csv|jsonl)$/i;
const PATH = ['file_name', 'path', 'file', 'filename', 'image'];
const LABEL = ['label', 'class', 'class_name', 'category'];

export const isList = (path: string): boolean => LIST.test(path);

interface Row {
  readonly className: string;
  readonly splitName: string | null;
  seen: boolean;
}

export const manifest: Layout = (source, { testSplit, label }) => {
  const choose = splitChooser(testSplit);
  const rows = new Map<string, Row>();
  let list: string | undefined;

  async function readList(file: FileEntry): Promise<void> {
    if (list !== undefined && baseName(file.path) !== 'metadata.csv') {
      throw bad(file.path, `there is another list, ${list}: a source has one`);
    }
    list = file.path;
    const folder = file.path.slice(0, file.path.length - baseName(file.path).length);
    let line = 1;
    for await (const fields of /csv$/i.test(file.path) ? csvRows(file) : jsonRows(file)) {
      line += 1;
      const path = fieldOf(fields, PATH);
      const className = fieldOf(fields, label === null ? LABEL : [label]);
      if (path === undefined) throw bad(file.path, `row ${line} names no file (columns known: ${PATH.join(', ')})`);
      if (className === undefined) {
        throw bad(file.path, `row ${line} names no class (columns known: ${label ?? LABEL.join(', ')})`);
      }
      const normal = normalisePath(path);
      if ('reason' in normal) throw bad(file.path, `row ${line}, ${path}: ${normal.reason}`);
      const full = folder + normal.path;
      const earlier = rows.get(full);
      if (earlier !== undefined && earlier.className !== className) {
        throw bad(file.path, `${path} has two classes, ${earlier.className} and ${className}`);
      }
      rows.set(full, {
        className,
        splitName: fieldOf(fields, ['split']) ?? splitFolder(full)?.name ?? null,
        seen: false,
      });
    }
  }

  return {
    ...partsOf(source),
    async *samples() {
      for await (const entry of source.entries()) {
        if (entry.kind === 'FOLDER') continue;
        if (entry.kind === 'REFUSED') yield skipped(entry, entry.reason);
        else if (isList(entry.path)) await readList(entry);
        // The list may come later.
        else yield imageSample(entry, null, null);
      }
      if (list === undefined)
        throw new TeddyhubError('BAD_INPUT_FILE', 'The source has no .csv or .jsonl file that lists its images.');
    },
    classes: (found) =>
      [...found].every((name) => /^\d+$/.test(name)) ? numberedClasses(found) : sortedClasses(found),
    resolve(record) {
      const row = rows.get(record);
      if (row === undefined) return { reason: `${list} does not list it` };
      row.seen = true;
      const split: Split | null = choose(row.splitName);
      return split === null
        ? { reason: `it belongs to ${row.splitName}, and ${testSplit} is the test split` }
        : { split, className: row.className };
    },
    missing: () => [...rows].filter(([, { seen }]) => !seen).map(([record]) => record),
  };
};

type Fields = Readonly<Record<string, unknown>>;

async function* csvRows(file: FileEntry): AsyncGenerator<Fields> {
  const parser = (await file.stream()).pipe(parse({ columns: true, bom: true, skip_empty_lines: true, trim: true }));
  try {
    yield* parser as AsyncIterable<Fields>;
  } catch (cause) {
    throw bad(file.path, `it is no readable CSV file (${cause instanceof Error ? cause.message : cause})`, cause);
  }
}

async function* jsonRows(file: FileEntry): AsyncGenerator<Fields> {
  let line = 0;
  for await (const text of createInterface({ input: await file.stream() })) {
    line += 1;
    if (text.trim() === '') continue;
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value !== 'object' || value === null) throw new Error('no object');
      yield value as Fields;
    } catch (cause) {
      throw bad(file.path, `line ${line} is no JSON object`, cause);
    }
  }
}

function fieldOf(fields: Fields, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = fields[name];
    if ((typeof value === 'string' && value !== '') || typeof value === 'number') return String(value);
  }
  return undefined;
}

const bad = (path: string, reason: string, cause?: unknown): TeddyhubError =>
  new TeddyhubError('BAD_INPUT_FILE', `${path}: ${reason}.`, { cause });
