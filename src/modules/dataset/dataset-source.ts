/** From what a client gives as a source to what a worker is told. */
import { TeddyhubError } from '../../domain/errors.js';
import { type DatasetSource, datasetSource } from '../../domain/jobs/dataset-import.js';
import { InputErrors, parseInput } from '../kit/input.js';
import type { DatasetSourceInput } from './dataset.input.js';
import type { FilesSourceInput } from './files-source.input.js';
import { resolveImportPath } from './import-path.js';
import { uploadedObject } from './upload-id.js';

/** Objects that people put into the bucket for imports lie below this; nothing else of it can be imported. */
const IMPORTS = 'imports/';
const FILES_FIELD = { FILES: 'path', UPLOAD: 'uploadId', PREFIX: 'prefix' } as const;

const IDX_FILES = ['trainImages', 'trainLabels', 'testImages', 'testLabels'] as const;

/** What is asked for, with the defaults in and paths as they were given. Throws INVALID_INPUT or InputErrors with the fields at fault. */
export function readSource(input: DatasetSourceInput, projectId: string): DatasetSource {
  const { kind, idx, files } = input;
  requireOnly('idx', idx != null, kind === 'IDX', kind);
  requireOnly('files', files != null, kind in FILES_FIELD, kind);
  if (idx != null) return parseInput(datasetSource, { kind, ...idx }, ['source', 'idx']);
  if (files != null) return readFilesSource(kind as keyof typeof FILES_FIELD, files, projectId);
  return datasetSource.parse({ kind });
}

/** The same with real paths, of files that are there. Throws INVALID_INPUT, BAD_INPUT_FILE or InputErrors with the fields at fault. */
export async function resolveSource(source: DatasetSource, importRoot: string): Promise<DatasetSource> {
  if (source.kind === 'IDX') return resolveIdx(source, importRoot);
  if (source.kind !== 'FILES') return source;
  const path = await resolveImportPath(importRoot, source.path, ['source', 'files', 'path'], { folders: true });
  return { ...source, path };
}

function requireOnly(field: 'idx' | 'files', given: boolean, wanted: boolean, kind: string): void {
  if (given === wanted) return;
  const message = wanted ? `source.${field} is needed for ${kind}.` : `source.${field} is not for ${kind}.`;
  throw new TeddyhubError('INVALID_INPUT', message, { field: ['source', field] });
}

function readFilesSource(
  kind: keyof typeof FILES_FIELD,
  { path, uploadId, prefix, image, ...options }: FilesSourceInput,
  projectId: string,
): DatasetSource {
  const places = { path, uploadId, prefix };
  for (const name of ['path', 'uploadId', 'prefix'] as const) {
    const given = places[name] != null;
    if (given === (name === FILES_FIELD[kind])) continue;
    const message = `source.files.${name} is ${given ? 'not for' : 'needed for'} ${kind}.`;
    throw new TeddyhubError('INVALID_INPUT', message, { field: ['source', 'files', name] });
  }
  const { height, width, ...rest } = image ?? {};
  for (const [name, one, other] of [['height', height, width] as const, ['width', width, height] as const]) {
    if (one != null || other == null) continue;
    const field = ['source', 'files', 'image', name];
    throw new TeddyhubError('INVALID_INPUT', 'An image has a height and a width: give both.', { field });
  }
  const size = height == null ? undefined : { height, width };
  const common = { ...options, image: { ...rest, size } };
  const parse = (place: Record<string, unknown>) =>
    parseInput(datasetSource, { ...place, ...common }, ['source', 'files'], (path) =>
      path.filter((segment) => segment !== 'size'),
    );
  switch (kind) {
    case 'FILES':
      return parse({ kind, path });
    case 'UPLOAD':
      return parse({ kind: 'OBJECT', ...uploadedObject(uploadId ?? '', projectId, ['source', 'files', 'uploadId']) });
    case 'PREFIX': {
      if ((prefix ?? '').split('/').some((segment) => segment === '..' || segment === '.')) {
        const field = ['source', 'files', 'prefix'];
        throw new TeddyhubError('INVALID_INPUT', 'A prefix has no segments . and ..', { field });
      }
      return parse({ kind, prefix: `${IMPORTS}${(prefix ?? '').replace(/^\/+|\/+$/g, '')}` });
    }
  }
}

async function resolveIdx(source: DatasetSource & { kind: 'IDX' }, importRoot: string): Promise<DatasetSource> {
  const paths = await Promise.allSettled(
    IDX_FILES.map((file) => resolveImportPath(importRoot, source[file], ['source', 'idx', file])),
  );
  const reasons = paths.flatMap((path) => (path.status === 'rejected' ? [path.reason as unknown] : []));
  const unexpected = reasons.find((reason) => !(reason instanceof TeddyhubError));
  if (unexpected !== undefined) throw unexpected;
  if (reasons.length > 0) throw new InputErrors(reasons.filter((reason) => reason instanceof TeddyhubError));
  const real = paths.map((path) => (path.status === 'fulfilled' ? path.value : ''));
  return { ...source, ...Object.fromEntries(IDX_FILES.map((file, index) => [file, real[index]])) };
}
