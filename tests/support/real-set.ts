/** A set that trainers can read: shards, labels and manifest by the job that publishes, and the rows that serve them. */
import { type Manifest, manifestSchema } from '../../src/domain/manifest.js';
import type { Database } from '../../src/platform/database/client.js';
import type { Project } from '../../src/platform/database/generated/client.js';
import type { ObjectStore } from '../../src/platform/object-store/object-store.js';
import { publish } from '../../workers/jobs/publishing.js';
import { type Inputs, makeInputs, payloadOf } from './publish-inputs.js';
import { insertSet } from './published-set.js';
import { recordedContext } from './recorded-context.js';
import { seedDataset, seedPool, seedRun } from './seeds.js';

export interface RealSet {
  manifest: Manifest;
  inputs: Inputs;
}

export async function seedRealSet(
  { database, store }: { database: Database; store: ObjectStore },
  project: Project,
): Promise<RealSet> {
  const run = await seedRun(database, await seedPool(database, await seedDataset(database, project)));
  const inputs = await makeInputs(store);
  const payload = payloadOf(inputs, { runId: run.id, distilledSetId: run.id, name: run.name });
  const result = await publish(payload, recordedContext(store));
  const manifest = manifestSchema.parse(JSON.parse((await store.get(result.manifest.key)).toString()));
  await insertSet(database, run, 'PUBLISHED', {
    manifest,
    stored: result.manifest,
    shards: result.shards,
    labels: { STATIC: [{ ...result.static, name: 'static.safetensors' }], FKD: result.fkd },
  });
  return { manifest, inputs };
}
