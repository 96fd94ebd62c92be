/**
 * Parquet as the Hugging Face Hub has it: files named by their split (`data/train-00000-of-00002.parquet`), a column of images
 * (struct of `bytes` and `path`, or bytes alone) and a column of labels (ClassLabel, or text). Read row group by row group.
 */
import { type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { TeddyhubError } from '../../../domain/errors.js';
import type { Blob } from '../entries/blob.js';
import { blobOf, type FileEntry } from '../entries/entry.js';
import { labelledClasses, numberedClasses, type Sample, type Split } from '../sample.js';
import { splitWord } from '../splits.js';
import { type Layout, partsOf, skipped } from './layout.js';
import { columnsOf } from './parquet-columns.js';

const PARQUET = /\.parquet$/i;
/** Row groups of up to so many bytes are read at once: most files lack the index by which parts of one can be read. */
const GROUP_BYTES = 2 ** 30;
/** Rows that are read at once of larger ones. */
const ROWS = 256;

export const isParquet = (path: string): boolean => PARQUET.test(path);

export const huggingFace: Layout = (source, { choose, label, scratch }) => {
  let names: readonly string[] | undefined;

  async function* rows(entry: FileEntry, blob: Blob, split: Split): AsyncGenerator<Sample> {
    const file = asyncBuffer(blob);
    const metadata = await parquetMetadataAsync(file);
    const columns = columnsOf(metadata, label, entry.path);
    if (names !== undefined && columns.names !== undefined && columns.names.join('\0') !== names.join('\0')) {
      throw new TeddyhubError('BAD_INPUT_FILE', `${entry.path}: its classes are not those of the files before it.`);
    }
    names ??= columns.names;
    for (const [rowStart, rowEnd] of rangesOf(metadata)) {
      const read = await parquetReadObjects({
        file,
        metadata,
        compressors,
        columns: [columns.image, columns.label],
        rowStart,
        rowEnd,
        utf8: false,
        useOffsetIndex: true,
      });
      for (const [i, row] of read.entries()) {
        const record = `${entry.path}#${rowStart + i}`;
        const bytes = bytesOf(row[columns.image]);
        const className = labelOf(row[columns.label]);
        if (bytes === null) yield skipped({ path: record }, 'the row holds no bytes of an image', split);
        else if (className === null) yield skipped({ path: record }, 'the row has no label', split);
        else yield { kind: 'ENCODED', record, split, className, read: async () => bytes };
      }
    }
  }

  return {
    ...partsOf(source),
    sequential: true,
    async *samples() {
      for await (const entry of source.entries()) {
        if (entry.kind === 'FOLDER' || (entry.kind === 'FILE' && !isParquet(entry.path))) continue;
        if (entry.kind === 'REFUSED') {
          yield skipped(entry, entry.reason);
          continue;
        }
        const split = choose(splitWord(entry.path));
        if (split === null) continue;
        const blob = await blobOf(entry, scratch);
        try {
          yield* rows(entry, blob, split);
        } catch (error) {
          if (error instanceof TeddyhubError) throw error;
          const reason = error instanceof Error ? error.message : String(error);
          throw new TeddyhubError('BAD_INPUT_FILE', `${entry.path}: it is no readable Parquet file (${reason}).`, {
            cause: error,
          });
        } finally {
          await blob.close();
        }
      }
    },
    classes: (found) => (names === undefined ? labelledClasses(found) : numberedClasses(found, names)),
  };
};

const asyncBuffer = (blob: Blob) => ({
  byteLength: blob.bytes,
  async slice(start: number, end = blob.bytes): Promise<ArrayBuffer> {
    const piece = await blob.read(start, end - start);
    return piece.buffer.slice(piece.byteOffset, piece.byteOffset + piece.byteLength) as ArrayBuffer;
  },
});

/** From which row to which is read at once. */
function rangesOf({ row_groups: groups }: FileMetaData): [number, number][] {
  let from = 0;
  return groups.flatMap((group) => {
    const [start, rows] = [from, Number(group.num_rows)];
    from += rows;
    const together = group.total_byte_size <= GROUP_BYTES ? rows : ROWS;
    return Array.from({ length: Math.ceil(rows / together) }, (_, i): [number, number] => [
      start + i * together,
      start + Math.min(rows, (i + 1) * together),
    ]);
  });
}

function bytesOf(value: unknown): Buffer | null {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (typeof value === 'object' && value !== null && 'bytes' in value) return bytesOf(value.bytes);
  return null;
}

function labelOf(value: unknown): string | null {
  if (typeof value === 'number' || typeof value === 'bigint') return value < 0 ? null : String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  return typeof value === 'string' && value !== '' ? value : null;
}
