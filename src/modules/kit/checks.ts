/** Checks that more than one mutation makes of a dataset. */
import { assertArchitectureFits, assertCheckpointFits } from '../../domain/architectures.js';
import type { ArchitectureConfig, ImageShape } from '../../domain/config/architecture.js';
import { atField } from '../../domain/errors.js';
import type { Transaction } from '../../platform/database/client.js';
import type { Dataset } from '../../platform/database/generated/client.js';
import { assertOffered, assertReady, shapeOf } from '../../platform/orchestration/index.js';
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
  try {
    assertOffered(dataset);
    assertReady(dataset);
    return { ...dataset, shape: shapeOf(dataset) };
  } catch (error) {
    throw atField(error, field);
  }
}

/** Throws UNSUPPORTED_SHAPE that names the input field. */
export function requireFit(
  architecture: ArchitectureConfig,
  { shape, classNames }: { shape: ImageShape; classNames: readonly string[] },
  copies: number,
  field: readonly string[],
): void {
  try {
    assertArchitectureFits(architecture, shape);
    assertCheckpointFits(architecture, shape, classNames.length, copies);
  } catch (error) {
    throw atField(error, field);
  }
}
