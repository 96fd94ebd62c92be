/**
 * A student of examples/pytorch/train.py, which gets its set by ID through the Python client, beside the platform's own
 * evaluation of the same set: accuracy over the same number of seeds, with FKD and with hard labels. Runs the quickstart
 * first, in a folder of its own unless --work names one that has been used before. Needs npm run check:pytorch once.
 *
 *     npm run bench -- pytorch-student [--work <folder>] [--seeds 3] [--python <a Python with torch>]
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readFashionMnist } from '../src/formats/importers/fashion-mnist.js';
import { countOf, optionsOf } from './support/options.js';
import { PYTHON, versionOfModule } from './support/python.js';
import { about, mean, root, rounded, standardError, writeResult } from './support/report.js';

const values = optionsOf('pytorch-student', {
  work: { type: 'string' },
  seeds: { type: 'string', default: '3' },
  python: { type: 'string', default: PYTHON },
});
const seeds = Array.from({ length: countOf('pytorch-student', 'seeds', values.seeds) }, (_, seed) => String(seed));
const torch = versionOfModule('pytorch-student', values.python, 'torch');

interface Quickstart {
  distilledSetId: string;
  student: { architecture: string; top1: number; top1Hard: number };
}

const scratch = mkdtempSync(join(tmpdir(), 'teddyhub-bench-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
const stateDir = values.work ?? join(scratch, 'state');
const url = `http://127.0.0.1:${await freePort()}`;
const service = startQuickstart();
try {
  const quickstart = await answerOf(service);
  const test = join(scratch, 'test');
  await writeTestSplit(test);
  const env = {
    ...process.env,
    PYTHONPATH: root('clients/python'),
    TEDDYHUB_URL: url,
    TEDDYHUB_KEY: readFileSync(join(stateDir, 'admin-key'), 'utf8').trim(),
    TEDDYHUB_CACHE: join(scratch, 'cache'),
  };
  const ours = { FKD: quickstart.student.top1, HARD: quickstart.student.top1Hard };
  const rows = (['FKD', 'HARD'] as const).map((labels) => {
    const args = [quickstart.distilledSetId, '--test', test, '--labels', labels, '--seeds', ...seeds, '--json'];
    const began = performance.now();
    const output = execFileSync(values.python, [root('examples/pytorch/train.py'), ...args], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { accuracies } = JSON.parse(output.trim().split('\n').at(-1) ?? '') as { accuracies: number[] };
    return {
      labels,
      teddyhub: ours[labels],
      pytorch: rounded(mean(accuracies)),
      difference: rounded(mean(accuracies) - ours[labels]),
      standardError: rounded(standardError(accuracies)),
      accuracies: accuracies.map(rounded),
      seconds: rounded((performance.now() - began) / 1000),
    };
  });
  const { architecture } = quickstart.student;
  const { versions, ...rest } = about(`npm run bench -- pytorch-student --seeds ${values.seeds}`);
  writeResult('pytorch-student', {
    ...rest,
    versions: { ...versions, torch },
    what: 'top-1 on the 10,000 test images of Fashion-MNIST, percent, means over seeds; 10 images per class',
    architecture,
    rows,
  });
  for (const row of rows) {
    console.error(`  ${row.labels.padEnd(5)} Teddyhub ${row.teddyhub} %, PyTorch ${row.pytorch} % (${row.difference})`);
  }
} finally {
  service.kill('SIGTERM');
  await once(service, 'exit');
}

function startQuickstart(): ChildProcess {
  mkdirSync(stateDir, { recursive: true });
  const cli = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
  const args = ['quickstart', '--seeds', values.seeds, '--json', '--keep-running'];
  const env = { ...process.env, TEDDYHUB_STATE_DIR: stateDir, PORT: new URL(url).port };
  return spawn(process.execPath, [cli, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
}

/** The line of JSON that the quickstart prints; the service stays up behind it. */
async function answerOf(child: ChildProcess): Promise<Quickstart> {
  if (child.stdout === null) throw new Error('the quickstart has no output');
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{')) return JSON.parse(line) as Quickstart;
  }
  throw new Error('The quickstart ended without an answer.');
}

/** The published test images as IDX files, as they come from elsewhere. */
async function writeTestSplit(folder: string): Promise<void> {
  mkdirSync(folder);
  const reader = readFashionMnist();
  const images: Uint8Array[] = [];
  const classes: string[] = [];
  for await (const sample of reader.samples()) {
    if (sample.kind !== 'RAW' || sample.split !== 'TEST') continue;
    images.push(Uint8Array.from(sample.pixels));
    classes.push(sample.className ?? '');
  }
  const order = reader.classes(new Set(classes)).keys;
  const labels = Uint8Array.from(classes, (name) => order.indexOf(name));
  const write = (name: string, sizes: number[], bytes: Uint8Array) => {
    const header = Buffer.alloc(4 + 4 * sizes.length);
    header.writeUInt32BE(0x800 + sizes.length, 0);
    for (const [i, size] of sizes.entries()) header.writeUInt32BE(size, 4 + 4 * i);
    writeFileSync(join(folder, name), Buffer.concat([header, bytes]));
  };
  write('t10k-images-idx3-ubyte', [images.length, 28, 28], Buffer.concat(images));
  write('t10k-labels-idx1-ubyte', [labels.length], labels);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
