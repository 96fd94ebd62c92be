/**
 * Image files and a list of them: `metadata.csv`, one or one a folder, as Hugging Face's imagefolder has it, or the only `.csv`
 * or `.jsonl` file of a source without one. Columns: the file's path relative to the list (`file_name`, `path`, `file`, `filename`, `image`), its
 * class (`label`, `class`, `class_name`, `category`, or the one that is named), and if there is one its split (`split`);
 * otherwise folders tell the split.
 */
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream';
import { parse } from 'csv-parse';
import { TeddyhubError } from '../../../domain/errors.js';
import { type FileEntry, normalisePath } from '../entries/entry.js';
import { labelledClasses, type Split } from '../sample.js';
import { deepTestFolder, isSameSplit, splitFolder } from '../splits.js';
import { baseName, imageSample, type Layout, partsOf, skipped } from './layout.js';

const LIST = /\.(csv|jsonl)$/i;
const PATH = ['file_name', 'path', 'file', 'filename', 'image'];
const LABEL = ['label', 'class', 'class_name', 'category'];

export const isList = (path: string): boolean => LIST.test(path);
const isCsv = (path: string): boolean => /csv$/i.test(path);
const isMetadata = (path: string): boolean => baseName(path) === 'metadata.csv';

interface Row {
  readonly className: string;
  readonly splitName: string | null;
  seen: boolean;
}

interface List {
  /** Of its file, or of several of the name metadata.csv. */
  readonly paths: readonly [string, ...string[]];
  readonly rows: ReadonlyMap<string, Row>;
  /** Why it cannot be read. */
  readonly fault?: unknown;
}

export const manifest: Layout = (source, { choose, label }) => {
  let list: List | undefined;
  let another: string | undefined;

  /** What is wrong with other lists is told at the end: a metadata.csv may come after them. */
  async function takeList(file: FileEntry): Promise<void> {
    const { path } = file;
    const earlier = list !== undefined && isMetadata(list.paths[0]) ? list : undefined;
    if (isMetadata(path)) {
      const rows = await readList(file, label, earlier?.rows);
      list = { paths: earlier === undefined ? [path] : [...earlier.paths, path], rows };
    } else if (list === undefined) {
      list = await readList(file, label).then(
        (rows) => ({ paths: [path], rows }),
        (fault: unknown) => ({ paths: [path], rows: new Map(), fault }),
      );
    } else another ??= path;
  }

  function checkList(): void {
    if (list === undefined)
      throw new TeddyhubError('BAD_INPUT_FILE', 'The source has no .csv or .jsonl file that lists its images.');
    const [first] = list.paths;
    if (isMetadata(first)) return;
    if (another !== undefined) throw twoLists(first, another);
    if (list.fault !== undefined) throw list.fault;
  }

  return {
    ...partsOf(source),
    async *samples() {
      for await (const entry of source.entries()) {
        if (entry.kind === 'FOLDER') continue;
        if (entry.kind === 'REFUSED') yield skipped(entry, entry.reason);
        else if (isList(entry.path)) await takeList(entry);
        // The list may come later.
        else yield imageSample(entry, null, null);
      }
      checkList();
    },
    classes: labelledClasses,
    resolve(record) {
      const row = list?.rows.get(slashed(record));
      if (row === undefined) return { reason: `it is not listed in ${list?.paths.join(' or ')}` };
      row.seen = true;
      const split: Split | null = choose(row.splitName);
      return split && { split, className: row.className };
    },
    missing: () => [...(list?.rows ?? [])].filter(([, { seen }]) => !seen).map(([record]) => record),
  };
};

/** The rows of a list behind those of earlier ones; `label` is the column that counts, where one is named. Throws BAD_INPUT_FILE. */
async function readList(
  file: FileEntry,
  label: string | null,
  earlierRows: ReadonlyMap<string, Row> = new Map(),
): Promise<ReadonlyMap<string, Row>> {
  const rows = new Map(earlierRows);
  const folder = slashed(file.path.slice(0, file.path.length - baseName(file.path).length));
  // The header of a CSV file is its first row.
  let number = isCsv(file.path) ? 1 : 0;
  for await (const fields of rowsOf(file)) {
    number += 1;
    const path = fieldOf(fields, PATH);
    const className = fieldOf(fields, label === null ? LABEL : [label]);
    if (path === undefined) throw bad(file.path, `row ${number} names no file (columns known: ${PATH.join(', ')})`);
    if (className === undefined) {
      throw bad(file.path, `row ${number} names no class (columns known: ${label ?? LABEL.join(', ')})`);
    }
    const normal = normalisePath(slashed(path));
    if ('reason' in normal) throw bad(file.path, `row ${number}, ${path}: ${normal.reason}`);
    const full = folder + normal.path;
    const earlier = rows.get(full);
    if (earlier !== undefined && earlier.className !== className) {
      throw bad(file.path, `${path} has two classes, ${earlier.className} and ${className}`);
    }
    const splitName = fieldOf(fields, ['split']) ?? splitFolder(full)?.name ?? null;
    const deep = splitName === null ? deepTestFolder(full, 1) : null;
    if (deep !== null) {
      const reason = `${deep.name} is a split by its name, and lies too deep to count as one`;
      throw bad(
        file.path,
        `row ${number}, ${path}: ${reason}: give the list a column split, or import ${deep.above} itself`,
      );
    }
    if (earlier !== undefined && !isSameSplit(earlier.splitName, splitName)) {
      throw bad(file.path, `${path} is in two splits, ${earlier.splitName ?? 'none'} and ${splitName ?? 'none'}`);
    }
    rows.set(full, { className, splitName, seen: false });
  }
  return rows;
}

/** Lists that Windows wrote have backslashes between folders. Names of files may hold some as well: they are looked up like it. */
const slashed = (path: string): string => path.replaceAll('\\', '/');

type Fields = Readonly<Record<string, unknown>>;

async function* rowsOf(file: FileEntry): AsyncGenerator<Fields> {
  const csv = isCsv(file.path);
  try {
    yield* csv ? csvRows(file) : jsonRows(file);
  } catch (cause) {
    if (cause instanceof TeddyhubError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw bad(file.path, `it is no readable ${csv ? 'CSV' : 'JSON lines'} file (${reason})`, cause);
  }
}

async function* csvRows(file: FileEntry): AsyncGenerator<Fields> {
  const parser = parse({ columns: true, bom: true, skip_empty_lines: true, trim: true });
  // What goes wrong with either of them is thrown where the rows are read.
  pipeline(await file.stream(), parser, () => undefined);
  yield* parser as AsyncIterable<Fields>;
}

async function* jsonRows(file: FileEntry): AsyncGenerator<Fields> {
  const input = await file.stream();
  let line = 0;
  try {
    for await (const text of createInterface({ input })) {
      line += 1;
      if (text.trim() === '') continue;
      try {
        const value: unknown = JSON.parse(line === 1 ? text.replace(/^\uFEFF/, '') : text);
        if (typeof value !== 'object' || value === null) throw new Error('no object');
        yield value as Fields;
      } catch (cause) {
        throw bad(file.path, `line ${line} is no JSON object`, cause);
      }
    }
  } finally {
    // Where the reading ends early, nobody is left to hear of the file's own errors.
    input.destroy();
  }
}

const twoLists = (one: string, other: string): TeddyhubError =>
  new TeddyhubError(
    'BAD_INPUT_FILE',
    `A source has one list of its images, and ${[one, other].sort().join(' and ')} are two: leave one of them out, or make one list of both.`,
  );

function fieldOf(fields: Fields, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = fields[name];
    if ((typeof value === 'string' && value !== '') || typeof value === 'number') return String(value);
  }
  return undefined;
}

const bad = (path: string, reason: string, cause?: unknown): TeddyhubError =>
  new TeddyhubError('BAD_INPUT_FILE', `${path}: ${reason}.`, { cause });
