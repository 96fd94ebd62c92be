import { canonicalJson } from '../../domain/canonical-json.js';
import { poolConfig } from '../../domain/config/pool.js';
import type { Teacher as TeacherRow } from '../../platform/database/generated/client.js';
import { fromRow } from '../kit/node.js';
import { type AccuracyCurve, Teacher, type TeacherPool } from './teacher-pool.type.js';

const sameNetwork = (one: Teacher, other: Teacher): boolean =>
  canonicalJson(one.architecture) === canonicalJson(other.architecture);

/**
 * Of the teachers that are states of a base run, in the order of the pool, where base runs follow one another and the epochs of each
 * rise; the end of a base run is at its last epoch.
 */
export function accuracyCurves(pool: TeacherPool, rows: readonly TeacherRow[]): AccuracyCurve[] {
  const { epochs, batchSize, otherArchitectures, otherBatchSizes } = poolConfig.parse(pool.config);
  const batchSizes = [batchSize, ...otherArchitectures.map(() => batchSize), ...otherBatchSizes];
  const inOrder = [...rows].sort((a, b) => a.index - b.index);
  const points = inOrder.flatMap((row) => {
    const epoch = row.kind === 'FULLY_TRAINED' ? epochs : row.kind === 'EARLY_EPOCH' ? row.epoch : null;
    return epoch === null ? [] : [{ epoch, accuracy: row.accuracy, teacher: fromRow(Teacher, row) }];
  });
  const curves: (typeof points)[] = [];
  for (const point of points) {
    const curve = curves.at(-1);
    const last = curve?.at(-1);
    if (curve && last && point.epoch > last.epoch && sameNetwork(point.teacher, last.teacher)) curve.push(point);
    else curves.push([point]);
  }
  return curves.map((curve, run) => ({
    architecture: curve[0]!.teacher.typedArchitecture(),
    batchSize: batchSizes[run] ?? batchSize,
    points: curve,
  }));
}
