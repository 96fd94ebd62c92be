/** A thread that makes one export and ends: decoding thousands of images would hold up whoever else the service answers. */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { type Failure, TeddyhubError, toFailure } from '../../domain/errors.js';
import { type ExportFileName, writeExportFile } from './export-file.js';
import type { PulledSet } from './pulled-set.js';

interface Order {
  readonly set: PulledSet;
  readonly name: ExportFileName;
  readonly to: string;
}

/** As `writeExportFile`, on a thread of its own. Throws OBJECT_CORRUPT, STORAGE_FULL. */
export function exportOnThread(order: Order): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: order });
    worker.once('message', (failure: Failure | null) => {
      if (failure === null) resolve();
      else reject(new TeddyhubError(failure.code, failure.message));
    });
    worker.once('error', reject);
    // After either of these it has been settled.
    worker.once('exit', (code) => reject(new Error(`the thread of the export ended with ${code}, and said nothing`)));
  });
}

if (parentPort !== null) {
  const { set, name, to } = workerData as Order;
  const failure = await writeExportFile(set, name, to).then(() => null, toFailure);
  parentPort.postMessage(failure);
}
