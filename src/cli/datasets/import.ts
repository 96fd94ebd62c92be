/** Starts an import, follows it to its end, and prints what became of it. */
import { setTimeout as wait } from 'node:timers/promises';
import { type DatasetImportInput, operations, type Teddyhub } from '../../../clients/typescript/src/index.js';
import { TeddyhubError } from '../../domain/errors.js';
import { startPhase } from '../quickstart/progress.js';
import { printable } from '../support/printable.js';
import { type ServiceOptions, withClient } from '../support/service.js';
import { linesOf, type ShownDataset } from './show.js';

const POLL_MS = 500;
/** So long an import may wait before somebody wants to know what for. */
const WAITING_MS = 10_000;

export async function runImport(
  client: Teddyhub,
  input: Omit<DatasetImportInput, 'idempotencyKey'>,
  json: boolean,
): Promise<void> {
  const { dataset } = await client.mutate(operations.ImportDataset, input);
  if (dataset === null) throw new TeddyhubError('INTERNAL', 'The service imported nothing.');
  // An import goes on without us: this is how to find it again.
  console.error(`importing as ${dataset.id} (teddyhub datasets show, or cancel)`);
  const done = await follow(client, dataset.id);
  if (json) console.log(JSON.stringify(done));
  else for (const line of linesOf(done)) console.log(printable(line));
}

export async function cancelImport(
  id: string,
  { json, ...service }: ServiceOptions & { json?: boolean },
): Promise<void> {
  const { dataset } = await withClient(service, (client, signal) =>
    client.mutate(operations.CancelDatasetImport, { id }, signal),
  );
  console.log(json ? JSON.stringify(dataset) : `The import of ${printable(dataset?.name ?? id)} is canceled.`);
}

async function follow(client: Teddyhub, id: string): Promise<ShownDataset> {
  const phase = startPhase('import');
  let lookAt = performance.now() + WAITING_MS;
  let waitsFor = '';
  try {
    for (;;) {
      const { dataset } = await client.query(operations.Dataset, { id });
      if (dataset === null) throw new TeddyhubError('NOT_FOUND', 'The dataset is gone.');
      if (dataset.state === 'READY') {
        phase.done();
        return dataset;
      }
      if (dataset.state === 'FAILED') {
        throw new TeddyhubError('BAD_INPUT_FILE', dataset.failure?.message ?? 'The import failed.');
      }
      const { fraction, updatedAt } = dataset.progress;
      if (updatedAt !== null) waitsFor = '';
      else if (performance.now() > lookAt) {
        lookAt = performance.now() + WAITING_MS;
        const { devices } = await client.query(operations.Devices, {});
        waitsFor =
          devices.length > 0 ? 'waits for a worker that has time' : 'no worker is alive: start one (teddyhub worker)';
      }
      phase.update(fraction, waitsFor);
      await wait(POLL_MS);
    }
  } catch (error) {
    phase.abandon();
    throw error;
  }
}
