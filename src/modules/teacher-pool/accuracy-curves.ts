import { canonicalJson } from '../../domain/canonical-json.js';
import { poolConfig } from '../../domain/config.js';
import type { Teacher as TeacherRow } from '../../platform/database/generated/client.js';
import { groupBy } from '../kit/group.js';
import { fromRow } from '../kit/node.js';
import { type AccuracyCurve, Teacher, type TeacherPool } from './teacher-pool.type.js';

/** Of the teachers that are states of a base run; the end of a base run is at its last epoch. */
export function accuracyCurves(pool: TeacherPool, rows: readonly TeacherRow[]): AccuracyCurve[] {
  const { epochs } = poolConfig.parse(pool.config);
  const points = rows.flatMap((row) => {
    const epoch = row.kind === 'FULLY_TRAINED' ? epochs : row.kind === 'EARLY_EPOCH' ? row.epoch : null;
    return epoch === null ? [] : [{ epoch, accuracy: row.accuracy, teacher: fromRow(Teacher, row) }];
  });
  const curves = groupBy(points, ({ teacher }) => canonicalJson(teacher.architecture));
  return [...curves.values()].map((curve) => ({
    architecture: curve[0]!.teacher.typedArchitecture(),
    points: curve.sort((a, b) => a.epoch - b.epoch),
  }));
}
