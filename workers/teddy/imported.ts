/** Teachers from elsewhere: safetensors state dicts with torchvision's names, which the API has taken into the object store. */
import { stemOf } from '../../src/domain/architectures.js';
import type { PoolConfig } from '../../src/domain/config/pool.js';
import { TeddyhubError } from '../../src/domain/errors.js';
import type { ObjectRef } from '../../src/domain/jobs/references.js';
import { decodeSafetensors, type SafetensorsFile } from '../../src/formats/safetensors.js';
import { getVerified, type ObjectStore } from '../../src/platform/object-store/object-store.js';
import { decodeParameters, torchShape } from '../nn/checkpoint.js';
import type { Network } from '../nn/network.js';
import type { Parameters } from '../nn/parameters.js';

type Import = PoolConfig['imports'][number];

/** Throws BAD_INPUT_FILE with one line that names the file, and the tensor where one is at fault. */
export async function readImported(
  store: ObjectStore,
  network: Network,
  { path, architecture }: Import,
  object: ObjectRef | undefined,
): Promise<Parameters> {
  const bad = (reason: string, cause?: unknown) => new TeddyhubError('BAD_INPUT_FILE', `${path}: ${reason}`, { cause });
  if (object === undefined) throw bad('it was not taken into the object store: train a new pool.');
  const bytes = await getVerified(store, object);
  let file: SafetensorsFile;
  try {
    file = decodeSafetensors(bytes);
  } catch (error) {
    // The decoder speaks of an object of the store; who wrote this file knows it by its path.
    throw error instanceof TeddyhubError ? bad(error.message, error) : error;
  }
  const stem = architecture.name === 'CONVNET' ? undefined : stemOf(architecture, network.shape);
  const written = file.metadata.stem;
  if (stem !== undefined && written !== undefined && written !== stem)
    throw bad(`it is of a ${architecture.name} with the stem ${written}, not ${stem}: say so (architecture.stem).`);
  const withStem = stem === undefined ? '' : ` with the stem ${stem}`;
  const problem = problemOf(file, network, `a ${architecture.name}${withStem} of ${network.classes} classes`);
  if (problem !== undefined) throw bad(problem);
  return decodeParameters(network, bytes);
}

/** What keeps a file from being this very network, with floats in all of its tensors; undefined where nothing does. */
function problemOf({ tensors }: SafetensorsFile, network: Network, wanted: string): string | undefined {
  for (const spec of network.parameters) {
    const tensor = tensors.get(spec.name);
    if (tensor === undefined) return `tensor ${spec.name} is missing, and ${wanted} needs it.`;
    const shape = torchShape(network, spec);
    if (tensor.shape.join() !== shape.join()) {
      return `tensor ${spec.name} has shape [${tensor.shape.join(', ')}], in ${wanted} it is [${shape.join(', ')}].`;
    }
    if (tensor.dtype !== 'F32') return `tensor ${spec.name} is ${tensor.dtype}, not F32.`;
    if (!tensor.data.every(Number.isFinite)) return `tensor ${spec.name} holds values that are no finite numbers.`;
    const isVariance = spec.name.endsWith('.running_var');
    if (isVariance && tensor.data.some((value) => value < 0)) return `tensor ${spec.name} holds a negative variance.`;
  }
  const known = new Set(network.parameters.map(({ name }) => name));
  const unknown = [...tensors.keys()].find((name) => !known.has(name) && !name.endsWith('num_batches_tracked'));
  return unknown === undefined ? undefined : `tensor ${unknown} is unknown to ${wanted}.`;
}
