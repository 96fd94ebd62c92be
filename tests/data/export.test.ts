import 'reflect-metadata';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { pullAndDraw } from '../../src/cli/quickstart/preview.js';
import type { Manifest } from '../../src/domain/manifest.js';
import { exportClassFolders } from '../../src/formats/exports/class-folders.js';
import { floatsOf } from '../../src/formats/float16.js';
import { decodePng } from '../../src/formats/png.js';
import { decodeSafetensors } from '../../src/formats/safetensors.js';
import { openApi, type TestApi } from '../api/server.js';
import { CLI, failed, runTeddyhub } from '../support/command.js';
import { openProxy } from '../support/proxy.js';
import { CLASSES, HEIGHT, type Inputs, labelOf, SIZE, WIDTH } from '../support/publish-inputs.js';
import { runReader } from '../support/python.js';
import { seedRealSet } from '../support/real-set.js';
import { until } from '../support/until.js';

const NAMES = ['boot', 'coat', 'été'];
/** What training needs beside the samples, as exports that are one file say it. */
const FACTS = { mean: [0.3], std: [0.2], full_image_shape: [2 * HEIGHT, 2 * WIDTH, 1], temperature: 2 };

describe('what the commands make of a published set', () => {
  let api: TestApi;
  let manifest: Manifest;
  let inputs: Inputs;
  let pulled: string;
  const inWorld = (name: string) => join(api.world.stateDir, name);
  const teddyhub = (...args: string[]) =>
    runTeddyhub(args, { cwd: api.world.stateDir, env: { TEDDYHUB_URL: api.url, TEDDYHUB_KEY: api.keys.OPERATOR } });
  const json = async <T>(...args: string[]): Promise<T> => {
    const { status, stdout, errors } = await teddyhub(...args, '--json');
    assert.equal(status, 0, errors.join('\n'));
    return JSON.parse(stdout) as T;
  };
  const exported = async (format: string, ...options: string[]) => {
    const to = inWorld(`${format}-${options.join('')}`);
    const done = await json<{ samples: number; folder: string }>(
      'export',
      pulled,
      '--format',
      format,
      '--to',
      to,
      ...options,
    );
    assert.deepEqual(done, { format, folder: to, samples: inputs.total });
    return to;
  };
  const labels = () => Array.from({ length: inputs.total }, (_, i) => labelOf(i < 612 ? i : i - 612));

  before(async () => {
    api = await openApi();
    ({ manifest, inputs } = await seedRealSet(api.world, api.project));
    pulled = inWorld('pulled');
    const { fetched, files } = await json<{ fetched: number; files: number }>('pull', manifest.id, '--to', pulled);
    assert.deepEqual([fetched, files], [4, 4]);
  });
  after(() => api?.close());

  it('class folders whose sorted order is the order of the classes, and a table', async () => {
    const to = await exported('class-folders');
    assert.deepEqual((await readdir(to)).sort(), ['0_boot', '1_coat', '2_été', 'manifest.json', 'metadata.csv']);
    const manifests = await Promise.all([pulled, to].map((folder) => readFile(join(folder, 'manifest.json'), 'utf8')));
    assert.equal(manifests[1], manifests[0]);
    const [head, ...rows] = (await readFile(join(to, 'metadata.csv'), 'utf8')).trimEnd().split('\n');
    assert.equal(head, 'file_name,label,class_name,slot,cell');
    assert.deepEqual(
      rows.map((row) => Number(row.split(',')[1])),
      labels(),
    );
    const [path = ''] = rows[17]!.split(',');
    const { pixels, shape } = decodePng(await readFile(join(to, path)));
    assert.deepEqual(shape, { height: HEIGHT, width: WIDTH, channels: 1 });
    assert.deepEqual(pixels, inputs.pixels.slice(17 * SIZE, 18 * SIZE));
  });

  it('the same as JPEG, grey where the set is', async () => {
    const to = await exported('class-folders', '--image', 'jpeg', '--quality', '80');
    const file = await readFile(join(to, '0_boot', '000000.jpg'));
    const { format, channels, width, height } = await sharp(file).metadata();
    assert.deepEqual(
      { format, channels, width, height },
      { format: 'jpeg', channels: 1, width: WIDTH, height: HEIGHT },
    );
  });

  it('tensors as the code of papers keeps them, at full size and normalized', async () => {
    const to = await exported('tensors');
    const { tensors, metadata } = decodeSafetensors(await readFile(join(to, 'set.safetensors')));
    const { fullImageShape: full, mean, std } = manifest;
    const images = tensors.get('images');
    assert.deepEqual(images?.shape, [inputs.total, 1, full.height, full.width]);
    // The corner of an image that is twice as large is its own corner pixel; inside, four pixels meet as 9 : 3 : 3 : 1.
    const at = (sample: number, y: number, x: number) =>
      Number(images?.data[(sample * full.height + y) * full.width + x]) * (std[0] ?? 1) + (mean[0] ?? 0);
    const source = (sample: number, y: number, x: number) => (inputs.pixels[sample * SIZE + y * WIDTH + x] ?? 0) / 255;
    for (const sample of [0, 700, inputs.total - 1]) {
      assert.ok(Math.abs(at(sample, 0, 0) - source(sample, 0, 0)) < 1e-5);
      const mixed =
        (9 * source(sample, 1, 2) + 3 * source(sample, 1, 3) + 3 * source(sample, 2, 2) + source(sample, 2, 3)) / 16;
      assert.ok(Math.abs(at(sample, 3, 5) - mixed) < 1e-5, `sample ${sample}`);
    }
    assert.deepEqual(Array.from(tensors.get('labels')?.data ?? [], Number), labels());
    assert.deepEqual(tensors.get('logits')?.data, inputs.logits);
    assert.deepEqual(JSON.parse(metadata.class_names ?? ''), NAMES);
    for (const [name, value] of Object.entries(FACTS)) assert.deepEqual(JSON.parse(metadata[name] ?? ''), value, name);
    assert.doesNotMatch(await readFile(join(to, 'load.py'), 'utf8'), /import pickle|torch\.load\([^")]*\)\s*$/m);
  });

  it('npz and Parquet that NumPy and datasets read as they were', { timeout: 600_000 }, async () => {
    const [folders, parquet, npz] = [
      await exported('class-folders', '--image', 'png'),
      await exported('parquet'),
      await exported('npz'),
    ];
    // Hugging Face tells splits by such words, and would take a class for one.
    const classNames = ['train', 'Driving test', 'val-idation_dev'];
    const worded = inWorld('worded');
    await mkdir(worded);
    const asWorded = { folder: pulled, manifest: { ...manifest, classNames } };
    await exportClassFolders(asWorded, worded, { image: 'png', quality: 95 }, () => undefined);
    assert.deepEqual((await readdir(worded)).sort().slice(0, 3), [
      '0_~train~',
      '1_Driving_~test~',
      '2_~val~-idation_~dev~',
    ]);
    const read = await runReader<Record<string, unknown>>('read_exports.py', folders, parquet, npz, worded);
    const total = inputs.total;
    assert.deepEqual(read.split_words, { train: [total, [...NAMES].sort()] });
    assert.deepEqual([read.folder_names, read.folder_count], [NAMES, total]);
    assert.deepEqual([read.parquet_names, read.npz_names], [NAMES, NAMES]);
    assert.deepEqual([read.parquet_labels, read.npz_labels], [labels(), labels()]);
    assert.deepEqual(read.parquet_sizes, [[WIDTH, HEIGHT]]);
    assert.equal(read.same_pixels, true);
    assert.deepEqual(read.npz, {
      images: [[total, HEIGHT, WIDTH, 1], 'uint8'],
      labels: [[total], 'int64'],
      logits: [[total, CLASSES], 'float16'],
      class_names: [[CLASSES], '<U4'],
      mean: [[1], 'float64'],
      std: [[1], 'float64'],
      full_image_shape: [[3], 'int64'],
      temperature: [[], 'float64'],
    });
    assert.deepEqual([read.parquet_facts, read.npz_facts], [FACTS, FACTS]);
    const logits = [...floatsOf(inputs.logits.slice(5 * CLASSES, 6 * CLASSES))];
    assert.deepEqual([read.parquet_logits, read.npz_logits], [logits, logits]);
  });

  it('an export straight from the service, that is the same byte for byte', async () => {
    const [direct, local] = [inWorld('direct'), inWorld('local')];
    await json('export', pulled, '--format', 'npz', '--to', local);
    await json('export', manifest.id, '--format', 'npz', '--to', direct);
    assert.ok((await readFile(join(direct, 'data.npz'))).equals(await readFile(join(local, 'data.npz'))));
  });

  it('an export where there are no label files, which may be much larger than the shards that it reads', async () => {
    const [copy, fromFolder, direct] = [
      inWorld('unlabelled'),
      inWorld('from-unlabelled'),
      inWorld('direct-unlabelled'),
    ];
    await cp(pulled, copy, { recursive: true });
    await rm(join(copy, 'labels'), { recursive: true });
    await json('export', copy, '--format', 'npz', '--to', fromFolder);
    const { store } = api.world;
    const { key } = inputs.static;
    const bytes = await store.get(key);
    await store.delete(key);
    try {
      await json('export', manifest.id, '--format', 'npz', '--to', direct);
    } finally {
      await store.put(key, bytes);
    }
    const [one, other] = await Promise.all([fromFolder, direct].map((folder) => readFile(join(folder, 'data.npz'))));
    assert.ok(one?.equals(other ?? Buffer.alloc(0)));
  });

  it('no JPEG where it is not of the format', async () => {
    const asked = ['export', pulled, '--format', 'npz', '--to', inWorld('no-jpeg'), '--image', 'jpeg'];
    failed(await teddyhub(...asked), /--image jpeg is of class-folders/);
    const png = ['export', pulled, '--format', 'class-folders', '--to', inWorld('no-quality'), '--quality', '80'];
    failed(await teddyhub(...png), /--quality is of JPEG/);
  });

  it('a whole set, though nobody reads what the command says', async () => {
    const to = inWorld('unread');
    const command = `"${process.execPath}" "${CLI}" pull ${manifest.id} --to "${to}" | true; echo "\${PIPESTATUS[0]}"`;
    const env = { PATH: process.env.PATH, TEDDYHUB_URL: api.url, TEDDYHUB_KEY: api.keys.OPERATOR };
    const { stdout, stderr } = await promisify(execFile)('bash', ['--norc', '-c', command], { env });
    assert.deepEqual([stdout, stderr], ['0\n', '']);
    assert.equal((await teddyhub('verify', to)).status, 0);
  });

  it('nothing over the manifest of something else', async () => {
    const web = inWorld('web');
    await mkdir(web);
    await writeFile(join(web, 'manifest.json'), '{"name": "an app"}');
    failed(await teddyhub('pull', manifest.id, '--to', web), /is not of this set: choose another folder with --to/);
    assert.deepEqual(await readdir(web), ['manifest.json']);
  });

  it('a picture of the set, in the place of what an earlier quickstart has pulled', async () => {
    const [to, picture] = [inWorld('quickstart-set'), inWorld('picture.png')];
    await mkdir(to);
    await writeFile(join(to, 'manifest.json'), '{"id": "another set"}');
    await pullAndDraw({ url: api.url, key: api.keys.OPERATOR, id: manifest.id }, to, picture);
    assert.equal((await teddyhub('verify', to)).status, 0);
    assert.ok(decodePng(await readFile(picture)).pixels.length > 0);
  });

  it('no export that is left half-way where it is interrupted', async () => {
    const [scratch, to] = [inWorld('scratch'), inWorld('interrupted')];
    await mkdir(scratch);
    const env = { PATH: process.env.PATH, TMPDIR: scratch, TEDDYHUB_URL: api.url, TEDDYHUB_KEY: api.keys.OPERATOR };
    const child = execFile(process.execPath, [CLI, 'export', manifest.id, '--format', 'class-folders', '--to', to], {
      env,
    });
    const ended = once(child, 'close');
    await until('it writes', async () =>
      (await readdir(api.world.stateDir)).some((name) => name.startsWith('.interrupted.')),
    );
    child.kill('SIGINT');
    assert.deepEqual(await ended, [130, null]);
    const left = (await readdir(api.world.stateDir)).filter((name) => name.includes('interrupted'));
    assert.deepEqual([await readdir(scratch), left], [[], []]);
  });

  it('no export over what is there, nor out of a damaged copy', async () => {
    failed(
      await teddyhub('export', pulled, '--format', 'npz', '--to', pulled),
      /is there already: choose another folder/,
    );
    const copy = inWorld('copy');
    await json('pull', manifest.id, '--to', copy);
    assert.match((await teddyhub('verify', copy)).lines.at(-1)!, /all 4 files are intact; sha256:/);
    await writeFile(join(copy, 'shards/000001.tar'), 'damaged');
    await rm(join(copy, 'labels/static.safetensors'));
    failed(
      await teddyhub('export', copy, '--format', 'npz', '--to', inWorld('never')),
      /000001\.tar is missing or damaged/,
    );
    assert.equal(existsSync(inWorld('never')), false);
    const verified = await teddyhub('verify', copy);
    failed(verified, /2 of 4 files in .* are missing or damaged: pull the set again/);
    assert.deepEqual(
      verified.lines.filter((line) => line.startsWith('DAMAGED')).map((line) => line.split('  ')[1]),
      ['shards/000001.tar', 'labels/static.safetensors'],
    );
    failed(await teddyhub('verify', api.world.stateDir), /holds no manifest\.json/);
    assert.match((await teddyhub('pull', manifest.id, '--to', copy)).lines.at(-1)!, /2 fetched, 2 already there/);
    assert.equal((await teddyhub('verify', copy)).status, 0);
  });

  it('lists and shows, and makes a token that pulls this one set', async () => {
    const [listed, ...others] = await json<{ uuid: string; name: string }[]>('sets', 'list', '--state', 'PUBLISHED');
    assert.deepEqual([listed?.uuid, listed?.name, others], [manifest.id, manifest.name, []]);
    assert.match((await teddyhub('sets', 'list')).lines[0]!, new RegExp(`^${manifest.id}  PUBLISHED  IPC 101`));
    const { secret, prefix } = await json<{ secret: string; prefix: string }>(
      'sets',
      'token',
      manifest.id,
      '--name',
      'job',
    );
    assert.ok(secret.startsWith(`tht_${prefix}_`));
    const stored = await api.world.database.distilledSetToken.findUniqueOrThrow({ where: { prefix } });
    assert.ok(!JSON.stringify(stored).includes(secret.slice(13)), 'the secret is not kept');
    const shown = (await teddyhub('sets', 'show', manifest.id)).stdout;
    for (const words of [manifest.digest, '000001.tar', 'FKD labels', `tht_${prefix}_...`])
      assert.ok(shown.includes(words), words);
    const to = inWorld('by-token');
    assert.equal((await teddyhub('pull', manifest.id, '--to', to, '--key', secret)).status, 0);
    const other = await seedRealSet(api.world, api.project);
    failed(await teddyhub('pull', other.manifest.id, '--to', to, '--key', secret), /There is no DistilledSet/);
    failed(await teddyhub('sets', 'list', '--key', secret), /valid API key/);
    assert.match((await teddyhub('sets', 'revoke-token', `tht_${prefix}_...`)).stdout, /is revoked/);
    failed(await teddyhub('pull', manifest.id, '--to', to, '--key', secret), /does not work, or not any more/);
    failed(await teddyhub('sets', 'show', 'nothing'), /There is no distilled set with the id nothing/);
    const where = { id: manifest.id };
    await api.world.database.distilledSet.update({ where, data: { state: 'STAGING', publishedAt: null } });
    failed(await teddyhub('pull', manifest.id, '--to', inWorld('early')), /not published yet/);
    assert.match((await teddyhub('sets', 'publish', manifest.id)).stdout, /is PUBLISHED/);
    assert.equal((await api.world.database.distilledSet.findUniqueOrThrow({ where })).state, 'PUBLISHED');
    const none = await teddyhub('sets', 'list', '--state', 'ARCHIVED');
    assert.deepEqual([none.stdout, none.errors], ['', ['There is no distilled set that is ARCHIVED.']]);
  });

  it('says that a token is of no use whose answer was lost, and which one', async () => {
    const proxy = await openProxy(Number(new URL(api.url).port));
    try {
      proxy.swallowAnswers(1);
      const made = await runTeddyhub(['sets', 'token', manifest.id, '--name', 'lost'], {
        cwd: api.world.stateDir,
        env: { TEDDYHUB_URL: `http://127.0.0.1:${proxy.port}`, TEDDYHUB_KEY: api.keys.OPERATOR },
      });
      const { prefix } = await api.world.database.distilledSetToken.findFirstOrThrow({ where: { name: 'lost' } });
      failed(made, new RegExp(`The answer with the token was lost: revoke the token ${prefix} `));
      assert.equal(made.stdout, '');
    } finally {
      await proxy.close();
    }
  });

  it('collects what nobody names, and says first what that is', async () => {
    const gc = (...args: string[]) =>
      runTeddyhub(['gc', ...args], {
        cwd: api.world.stateDir,
        env: { DATABASE_URL: api.world.databaseUrl, TEDDYHUB_STATE_DIR: api.world.stateDir },
      });
    // Beside what its test put there for the set, which no task names.
    await api.world.store.put('labels/nobody', Buffer.from('garbage'));
    const dry = await gc('--dry-run');
    assert.equal(dry.status, 0, dry.errors.join('\n'));
    assert.match(dry.lines.at(-1)!, /^would remove 0 objects .* kept 3 unnamed objects of/);
    failed(await gc('--grace-hours', '1'), /--grace-hours: 1 is not a number from 2 to 876600/);
    failed(await gc('--grace-hours', '9999999999'), /--grace-hours: 9999999999 is not a number from 2 to/);
    const gone = await runTeddyhub(['gc'], {
      cwd: api.world.stateDir,
      env: { DATABASE_URL: 'postgresql://teddyhub@127.0.0.1:1/teddyhub', TEDDYHUB_STATE_DIR: api.world.stateDir },
    });
    failed(gone, /No database answers at 127\.0\.0\.1:1/);
    const s3 = { S3_ENDPOINT: 'http://127.0.0.1:1', S3_BUCKET: 'bucket', S3_ACCESS_KEY: 'a', S3_SECRET_KEY: 'b' };
    const away = await runTeddyhub(['gc'], {
      cwd: api.world.stateDir,
      env: { DATABASE_URL: api.world.databaseUrl, TEDDYHUB_STATE_DIR: api.world.stateDir, ...s3 },
    });
    failed(away, /The object store at http:\/\/127\.0\.0\.1:1 .*check S3_ENDPOINT/);
  });
});
