/** Checks that more than one mutation makes of a dataset. */
import { assertArchitectureFits, assertCheckpointFits } from '../../domain/architectures.js';
import type { ArchitectureConfig, ImageShape } from '../../domain/config.js';
import { TeddyhubError } from '../../domain/errors.js';
import type { Transaction } from '../../platform/database/client.js';
import type { Dataset } from '../../platform/database/generated/client.js';
import { notFound, requireUuid } from './node.js';

export type ReadyDataset = Dataset & { shape: ImageShape };

/** A READY dataset of the project that something new may be started on. Throws NOT_FOUND, INVALID_STATE. */
export async function requireReadyDataset(
  tx: Transaction,
  projectId: string,
  globalId: string,
  field: readonly string[],
): Promise<ReadyDataset> {
  const id = requireUuid('Dataset', globalId, field);
  const dataset = await tx.dataset.findFirst({ where: { id, projectId } });
  if (dataset === null) throw notFound('Dataset', globalId, field);
  const { state, name, archivedAt } = dataset;
  if (archivedAt !== null) {
    const message = `Dataset ${name} is archived: restore it, or take another one.`;
    throw new TeddyhubError('INVALID_STATE', message, { field });
  }
  const shape = shapeOf(dataset);
  if (state !== 'READY' || shape === null) {
    const advice = state === 'FAILED' ? 'import it again' : 'wait until it is READY';
    throw new TeddyhubError('INVALID_STATE', `Dataset ${name} is ${state}: ${advice}.`, { field });
  }
  return { ...dataset, shape };
}

/** Null before the dataset is READY. */
export function shapeOf(dataset: Dataset): ImageShape | null {
  const { imageHeight: height, imageWidth: width, imageChannels: channels } = dataset;
  return height === null || width === null || channels === null ? null : { height, width, channels };
}

/** Throws UNSUPPORTED_SHAPE that names the input field. */
export function requireFit(
  architecture: ArchitectureConfig,
  { shape, classNames }: { shape: ImageShape; classNames: readonly string[] },
  field: readonly string[],
): void {
  try {
    assertArchitectureFits(architecture, shape);
    assertCheckpointFits(architecture, shape, classNames.length);
  } catch (error) {
    throw error instanceof TeddyhubError
      ? new TeddyhubError(error.code, error.message, { field, cause: error })
      : error;
  }
}
