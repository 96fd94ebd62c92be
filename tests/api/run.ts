/** What tests of runs share: ids, and reading one. */
import assert from 'node:assert/strict';
import { toGlobalId } from '../../src/modules/kit/node.js';
import type { DistillationRun } from '../../src/platform/database/generated/client.js';
import { at, type TestApi } from './server.js';

export const idOf = (run: DistillationRun): string => toGlobalId('DistillationRun', run.id);

/** These fields of a run. */
export async function readRun(api: TestApi, run: DistillationRun, fields: string): Promise<unknown> {
  const { data, errors } = await api.send(`query ($id: ID!) { distillationRun(id: $id) { ${fields} } }`, {
    id: idOf(run),
  });
  assert.deepEqual(errors, []);
  return at(data, 'distillationRun');
}
