/**
 * The data plane in figures. Writes bench/results/data.json.
 *
 * download: a set through presigned URLs beside the object server asked directly; label bytes of each mode. archives: images a
 * second of an import from an archive, beside a plain loop through sharp and torchvision's ImageFolder over the same unpacked
 * files in the same run, and of shards read as a worker reads them. pixels: of all files of both archives, beside libvips.
 * memory: of an import of 200,000 files.
 *
 *     npm run bench -- data [--data <folder of cifar10-jpeg.tar.gz and tiny-imagenet-20.tar.gz>] [--python <python>]
 *         [--only archives,pixels,memory,download] [--limit <images of a loop>] [--files <files of the large folder>]
 *         [--work <folder>]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  comparePixels,
  filesOf,
  generateFolder,
  imageFolderLoop,
  importInto,
  perSecond,
  readShards,
  sharpLoop,
} from './support/import-trials.js';
import { countOf, end, optionsOf, someOf } from './support/options.js';
import { PYTHON, versionOfModule } from './support/python.js';
import { about, ORIGIN, readJson, resultsPath, rounded, writeResult } from './support/report.js';

/** In the order of their lengths: a minute, ten, some more. */
const PARTS = ['download', 'archives', 'pixels', 'memory'] as const;
const values = optionsOf('data', {
  data: { type: 'string' },
  python: { type: 'string', default: PYTHON },
  limit: { type: 'string', default: '10000' },
  files: { type: 'string', default: '200000' },
  work: { type: 'string', default: join(tmpdir(), 'teddyhub-data') },
  only: { type: 'string', default: PARTS.join() },
  /** Of the process whose memory is measured. */
  measure: { type: 'string' },
});
const parts = someOf('data', 'only', values.only, PARTS);
const [limit, files] = [countOf('data', 'limit', values.limit), countOf('data', 'files', values.files)];

const ARCHIVES = [
  { name: 'CIFAR-10', file: 'cifar10-jpeg.tar.gz', train: 'train' },
  { name: 'Tiny-ImageNet-20', file: 'tiny-imagenet-20.tar.gz', train: 'tiny-imagenet-20/train' },
];

if (values.measure !== undefined) await measure(values.measure);
else {
  if (parts.includes('archives') || parts.includes('pixels')) requireArchives();
  if (parts.includes('archives')) versionOfModule('data', values.python, 'torchvision');
  if (parts.includes('download')) await downloads();
  if (parts.includes('archives')) record({ archives: await measureArchives(limit) });
  if (parts.includes('pixels')) record({ pixels: await measurePixels() });
  if (parts.includes('memory')) record({ memory: measureMemory(files) });
}

function requireArchives(): void {
  const missing = ARCHIVES.map(({ file }) => file).filter((file) => !existsSync(join(values.data ?? '', file)));
  if (values.data === undefined || missing.length > 0) {
    end(
      'data',
      `the parts archives and pixels need --data <folder of ${ARCHIVES.map(({ file }) => file).join(' and ')}>`,
    );
  }
}

async function measureArchives(loopImages: number) {
  const rows = [];
  for (const { name, file, train } of ARCHIVES) {
    const { path, folder } = unpack(name, file);
    // The loops before and after each other, so that a machine that becomes slower does not favour one of them.
    const looped = filesOf(join(folder, train), loopImages);
    const first = await sharpLoop(looped);
    const peer = imageFolderLoop(values.python, join(folder, train), loopImages);
    const dataset = await importInto({ kind: 'FILES', path }, values.work);
    const { result, imported } = dataset;
    const read = await readShards(dataset);
    const again = imageFolderLoop(values.python, join(folder, train), loopImages);
    const second = await sharpLoop(looped);
    const loop = { images: first.images + second.images, seconds: first.seconds + second.seconds };
    const folders = { images: peer.images + again.images, seconds: peer.seconds + again.seconds };
    const row = {
      name,
      images: imported.images,
      layout: result.layout,
      shape: result.shape,
      contentDigest: result.contentDigest,
      skipped: result.skipped.length,
      duplicates: result.duplicateCount,
      imagesPerSecond: { import: perSecond(imported), sharpLoop: perSecond(loop), imageFolder: perSecond(folders) },
      importToSharpLoop: rounded(perSecond(imported) / perSecond(loop)),
      importToImageFolder: rounded(perSecond(imported) / perSecond(folders)),
      shardsPerSecond: perSecond(read),
      shardsToDecoding: rounded(perSecond(read) / perSecond(loop)),
      peer: peer.versions,
    };
    console.log(JSON.stringify(row));
    rows.push(row);
  }
  return { loadAverage: rounded(loadavg()[0] ?? 0), loopImages, rows };
}

function unpack(name: string, file: string): { path: string; folder: string } {
  const path = join(values.data ?? '', file);
  const folder = join(values.work, name);
  mkdirSync(folder, { recursive: true });
  spawnSync('tar', ['-xzf', path, '-C', folder], { stdio: 'inherit' });
  return { path, folder };
}

async function measurePixels() {
  const rows = [];
  for (const { name, file } of ARCHIVES)
    rows.push({ name, ...(await comparePixels(filesOf(unpack(name, file).folder, Number.POSITIVE_INFINITY))) });
  return rows;
}

/** Replaces sections of the result; the others stay as they were measured. */
function record(sections: Record<string, unknown>): void {
  console.log(JSON.stringify(sections, null, 2));
  const earlier = readJson<Record<string, unknown>>(resultsPath('data'), {});
  const command = `npm run bench -- data --data <folder of ${ARCHIVES.map(({ file }) => file).join(' and ')}>`;
  const own = Object.entries(sections).map(([name, part]) => [name, { ...ORIGIN, ...(part as object) }]);
  writeResult('data', { ...earlier, ...about(command), ...Object.fromEntries(own) });
}

async function downloads(): Promise<void> {
  // Loaded here alone: the process whose memory is measured needs no API.
  const { measureDownloads } = await import('./support/data-download.js');
  record({ download: { loadAverage: rounded(loadavg()[0] ?? 0), ...(await measureDownloads()) } });
}

/** A process of its own: the peak is of the import and of nothing else. */
function measureMemory(many: number) {
  const folder = join(values.work, `files-${many}`);
  rmSync(folder, { recursive: true, force: true });
  generateFolder(folder, many);
  const self = fileURLToPath(import.meta.url);
  const options = [self, '--measure', folder, '--work', join(values.work, 'measured')];
  const { status, stdout } = spawnSync(process.execPath, options, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error('The import of the large folder failed.');
  rmSync(folder, { recursive: true });
  return JSON.parse(stdout) as Record<string, number>;
}

async function measure(path: string): Promise<void> {
  const { imported } = await importInto({ kind: 'FILES', path }, values.work);
  const peakMegabytes = Math.round(process.resourceUsage().maxRSS / 1024);
  const loadAverage = rounded(loadavg()[0] ?? 0);
  console.log(
    JSON.stringify({ files: imported.images, imagesPerSecond: perSecond(imported), peakMegabytes, loadAverage }),
  );
}
