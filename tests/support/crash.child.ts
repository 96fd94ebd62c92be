/** Publishes a set into a folder and is killed at one of its steps: `node crash.child.js <payload.json> <folder> <step>`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { JOB_CONTRACTS } from '../../src/domain/jobs/contracts.js';
import { writeAtomically } from '../../src/platform/object-store/atomic-file.js';
import { checkKey } from '../../src/platform/object-store/keys.js';
import type { ObjectStore } from '../../src/platform/object-store/object-store.js';
import { openObjectStore } from '../../src/platform/object-store/open-object-store.js';
import { publish } from '../../workers/jobs/publishing.js';
import { recordedContext } from './recorded-context.js';

const [payloadFile = '', folder = '', step = ''] = process.argv.slice(2);
/** `before`, `within` or `after`, and the number of the write. */
const [when, number] = step.split(' ');
const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  // The signal comes at once, but the compiler cannot know.
  for (;;);
};

const store = await openObjectStore({ kind: 'folder', path: folder });
let writes = 0;
const dying: ObjectStore = {
  ...store,
  async put(key, bytes, digest) {
    writes += 1;
    const now = writes === Number(number);
    if (now && when === 'before') die();
    if (now && when === 'within') {
      const half = (function* () {
        yield bytes.subarray(0, bytes.byteLength >> 1);
        die();
      })();
      await writeAtomically(folder, join(folder, checkKey(key)), half);
    }
    await store.put(key, bytes, digest);
    if (now && when === 'after') die();
  },
};
await publish(
  JOB_CONTRACTS.PUBLISHING.payload.parse(JSON.parse(await readFile(payloadFile, 'utf8'))),
  recordedContext(dying),
);
process.stdout.write(`${writes}`);
