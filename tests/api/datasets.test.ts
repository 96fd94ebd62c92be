import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { toGlobalId } from '../../src/modules/kit/node.js';
import { CLI } from '../support/command.js';
import { asClassFolders, asShard, writeZip } from '../support/datasets.js';
import { numbered, writeTar, writeTree } from '../support/images.js';
import { seedDataset } from '../support/seeds.js';
import { until } from '../support/until.js';
import { errorsOf, openApi, type TestApi } from './server.js';

const REPORT = `state layout classOrder classNames trainCount testCount contentDigest sourceKind skippedCount duplicateCount
  failure { code message } skippedRecords { split record reason } duplicates(first: 1) { record sameAs acrossSplits }
  preparation { height width fit channels }`;

interface Imported {
  id: string;
  state: string;
  contentDigest: string;
  failure: { code: string; message: string } | null;
}

let api: TestApi;
let importRoot: string;
before(async () => {
  api = await openApi();
  importRoot = join(api.world.stateDir, 'import-root');
  await mkdir(importRoot);
  await api.world.startWorker();
});
after(() => api.close());

let keys = 0;
const begin = async (files: Record<string, unknown>, kind = 'FILES') => {
  const input = { name: 'x', idempotencyKey: `import-${keys++}`, source: { kind, files } };
  return (await api.mutate('datasetImport', 'DatasetImportInput', 'dataset { id }', input)) as {
    dataset: { id: string } | null;
    userErrors: { code: string; message: string; field: string[] }[];
  };
};

/** Imports and waits for the end of it. */
const run = async (files: Record<string, unknown>, kind = 'FILES'): Promise<Imported & Record<string, unknown>> => {
  const { dataset, userErrors } = await begin(files, kind);
  assert.deepEqual(userErrors, []);
  return until('the import ends', async () => {
    const { data } = await api.send(`query($id: ID!) { dataset(id: $id) { id ${REPORT} } }`, { id: dataset?.id });
    const found = (data as { dataset: Imported & Record<string, unknown> }).dataset;
    return found.state !== 'IMPORTING' && found;
  });
};

describe('importing image files through the API', () => {
  it('makes a dataset that says how it was read, what was left out and what is there twice', async () => {
    const tree = await asClassFolders();
    const path = await writeTree(join(importRoot, 'folders'), {
      ...tree,
      'train/cat/broken.png': 'nothing',
      'train/cat/twice.png': tree['test/cat/12.png'] ?? '',
    });
    const image = { height: 4, width: 4, fit: 'STRETCH' };
    const { id: _, contentDigest, ...dataset } = await run({ path, maxSkipped: 0.5, image });
    assert.match(contentDigest, /^sha256:/);
    assert.deepEqual(dataset, {
      state: 'READY',
      layout: 'CLASS_FOLDERS',
      classOrder: 'SORTED',
      classNames: ['cat', 'dog'],
      trainCount: 5,
      testCount: 2,
      sourceKind: 'FILES',
      skippedCount: 1,
      duplicateCount: 1,
      failure: null,
      skippedRecords: [{ split: 'TRAIN', record: 'train/cat/broken.png', reason: 'it is no JPEG, PNG or WebP file' }],
      duplicates: [{ record: 'train/cat/twice.png', sameAs: 'test/cat/12.png', acrossSplits: true }],
      preparation: { height: 4, width: 4, fit: 'STRETCH', channels: null },
    });
  });

  it('is FAILED with one line, and holds nothing, where too much cannot be used', async () => {
    const path = await writeTree(join(importRoot, 'bad'), { ...(await asClassFolders()), 'train/cat/broken.png': '' });
    const { id, state, failure, contentDigest } = await run({ path });
    assert.deepEqual([state, failure?.code, contentDigest], ['FAILED', 'BAD_INPUT_FILE', null]);
    assert.match(failure?.message ?? '', /1 of 7 records .*the file is empty \(train\/cat\/broken\.png\)/);
    const uuid = Buffer.from(id, 'base64url').toString().split(':').at(-1) ?? '';
    assert.equal(await api.world.database.datasetShard.count({ where: { datasetId: uuid } }), 0);
  });

  it('takes the objects below a prefix of imports, and nothing else of the bucket', async () => {
    for (const [path, bytes] of Object.entries(await asClassFolders())) {
      await api.world.store.put(`imports/my pictures/${path}`, Buffer.from(bytes));
    }
    const { state, sourceKind } = await run({ prefix: 'my pictures' }, 'PREFIX');
    assert.deepEqual([state, sourceKind], ['READY', 'PREFIX']);
    const { userErrors } = await begin({ prefix: '../datasets' }, 'PREFIX');
    assert.deepEqual([userErrors[0]?.code, userErrors[0]?.field], ['INVALID_INPUT', ['source', 'files', 'prefix']]);
  });

  for (const [what, kind, files, field] of [
    ['a path that is not there', 'FILES', { path: '/no/such/folder' }, 'path'],
    ['FILES without a path', 'FILES', {}, 'path'],
    ['a prefix for FILES', 'FILES', { path: '/', prefix: 'x' }, 'prefix'],
    ['UPLOAD without its id', 'UPLOAD', {}, 'uploadId'],
    ['half a size', 'PREFIX', { prefix: 'x', image: { height: 4 } }, 'image.width'],
    ['a share beyond one', 'PREFIX', { prefix: 'x', maxSkipped: 2 }, 'maxSkipped'],
  ] as const) {
    it(`refuses ${what}, and says which field`, async () => {
      const { dataset, userErrors } = await begin(files, kind);
      assert.equal(dataset, null);
      assert.equal(userErrors[0]?.field.join('.'), `source.files.${field}`);
    });
  }
});

describe('uploading a file', () => {
  const upload = async (bytes: Buffer, key: string) => {
    const input = { fileName: 'données.zip', bytes: String(bytes.byteLength) };
    const { data } = await api.send(
      'mutation($input: DatasetUploadBeginInput!) { datasetUploadBegin(input: $input) { upload { id partBytes parts { number url } } } }',
      { input },
      key,
    );
    return (data as { datasetUploadBegin: { upload: { id: string; parts: { number: number; url: string }[] } } })
      .datasetUploadBegin.upload;
  };
  const put = (url: string, bytes: Buffer, key: string | null) =>
    fetch(`${api.url}${url}`, {
      method: 'PUT',
      body: new Uint8Array(bytes),
      headers: key === null ? {} : { authorization: `Bearer ${key}` },
    });
  const complete = async (uploadId: string, tag: string, key: string) => {
    const { data } = await api.send(
      'mutation($input: DatasetUploadCompleteInput!) { datasetUploadComplete(input: $input) { upload { id } userErrors { code } } }',
      { input: { uploadId, parts: [{ number: 1, tag }] } },
      key,
    );
    return (data as { datasetUploadComplete: { upload: { id: string } | null; userErrors: { code: string }[] } })
      .datasetUploadComplete;
  };

  it('refuses before it reads it what is no part of it: another number, more bytes, packed ones, or no upload', async () => {
    const { id, parts } = await upload(Buffer.alloc(10), api.keys.OPERATOR);
    const send = async (path: string, body: string, headers: Record<string, string> = {}) => {
      const answer = await fetch(`${api.url}${path}`, {
        method: 'PUT',
        body,
        headers: { authorization: `Bearer ${api.keys.OPERATOR}`, ...headers },
      });
      return [answer.status, /"code":"(\w+)"/.exec(await answer.text())?.[1]];
    };
    const url = parts[0]?.url ?? '';
    assert.deepEqual(await send(`/v1/uploads/${id}/parts/2`, 'x'), [400, 'INVALID_INPUT']);
    assert.deepEqual(await send(url, 'x'.repeat(11)), [400, 'INVALID_INPUT']);
    assert.deepEqual(await send(url, 'x', { 'content-encoding': 'gzip' }), [400, 'INVALID_INPUT']);
    assert.deepEqual(await send('/v1/uploads/x/parts/1', 'x'), [400, 'INVALID_INPUT']);
    assert.deepEqual(await send(url, 'x'.repeat(10)), [200, undefined]);
  });

  it('brings it into the store in parts, from where it is imported', async () => {
    const bytes = await readFile(await writeZip(join(importRoot, 'a.zip'), await asClassFolders()));
    const { id, parts } = await upload(bytes, api.keys.OPERATOR);
    assert.deepEqual(
      parts.map(({ number }) => number),
      [1],
    );
    const early = await run({ uploadId: id }, 'UPLOAD');
    assert.match(early.failure?.message ?? '', /données\.zip: it is not in the object store/);
    const answer = await put(parts[0]?.url ?? '', bytes, api.keys.OPERATOR);
    assert.equal(answer.status, 200);
    const tag = (answer.headers.get('etag') ?? '').replaceAll('"', '');
    assert.deepEqual((await complete(id, 'sha256:wrong', api.keys.OPERATOR)).userErrors, [{ code: 'INVALID_INPUT' }]);
    assert.deepEqual((await complete(id, tag, api.keys.OPERATOR)).userErrors, []);
    assert.deepEqual((await complete(id, tag, api.keys.OPERATOR)).userErrors, [], 'where only the answer was lost');
    const { state, trainCount, sourceKind } = await run({ uploadId: id }, 'UPLOAD');
    assert.deepEqual([state, trainCount, sourceKind], ['READY', 4, 'UPLOAD']);
  });

  it('is no file while a part of it is missing', async () => {
    const bytes = Buffer.alloc(20 * 2 ** 20, 1);
    const { id, parts } = await upload(bytes, api.keys.OPERATOR);
    assert.equal(parts.length, 2);
    const answer = await put(parts[0]?.url ?? '', bytes.subarray(0, 16 * 2 ** 20), api.keys.OPERATOR);
    const tag = (answer.headers.get('etag') ?? '').replaceAll('"', '');
    assert.deepEqual((await complete(id, tag, api.keys.OPERATOR)).userErrors, [{ code: 'INVALID_INPUT' }]);
  });

  it('is no file where a part is named twice', async () => {
    const bytes = Buffer.from('bytes');
    const { id, parts } = await upload(bytes, api.keys.OPERATOR);
    const answer = await put(parts[0]?.url ?? '', bytes, api.keys.OPERATOR);
    const tag = (answer.headers.get('etag') ?? '').replaceAll('"', '');
    const query =
      'mutation($input: DatasetUploadCompleteInput!) { datasetUploadComplete(input: $input) { userErrors { code field } } }';
    const twice = {
      uploadId: id,
      parts: [
        { number: 1, tag },
        { number: 1, tag },
      ],
    };
    const { data } = await api.send(query, { input: twice });
    assert.deepEqual(data, { datasetUploadComplete: { userErrors: [{ code: 'INVALID_INPUT', field: ['parts'] }] } });
    assert.deepEqual((await complete(id, tag, api.keys.OPERATOR)).userErrors, []);
  });

  it('is for those who may import, and in another project the upload is not there', async () => {
    const bytes = Buffer.from('bytes');
    const { id, parts } = await upload(bytes, api.keys.OPERATOR);
    const url = parts[0]?.url ?? '';
    const stranger = await api.newKey('ADMIN', 'elsewhere');
    assert.equal((await put(url, bytes, null)).status, 401);
    assert.equal((await put(url, bytes, api.keys.VIEWER)).status, 403);
    assert.equal((await put(url, bytes, stranger)).status, 404);
    assert.deepEqual((await complete(id, 'x', stranger)).userErrors, [{ code: 'NOT_FOUND' }]);
  });
});

describe('teddyhub datasets', () => {
  const run = (command: string, ...args: string[]) =>
    promisify(execFile)(
      process.execPath,
      [CLI, 'datasets', command, '--url', api.url, '--key', api.keys.OPERATOR, ...args],
      { env: { ...process.env, TEDDYHUB_CACHE: join(api.world.stateDir, 'cache') } },
    );

  const cli = (...args: string[]) => run('import', ...args);

  it('imports what the service sees itself, and prints the dataset', async () => {
    const path = await writeTar(join(importRoot, 'pets.tar.gz'), await asClassFolders());
    const { stdout, stderr } = await cli(path, '--name', 'Pets');
    assert.match(stdout, /^Pets /);
    assert.match(stdout, /4 \+ 2 images, 6x8x3, 2 classes\n {2}classes \(sorted\): cat, dog\n/);
    assert.match(stdout, /0 records skipped\n {2}0 images are there twice\n$/);
    // Whoever gives up waiting finds it by its id.
    const [, id = ''] = /importing as (\S+) /.exec(stderr) ?? [];
    assert.equal((await run('show', id)).stdout, stdout);
    assert.match((await run('list')).stdout, new RegExp(`^${id} {2}READY +4 \\+ 2 images +Pets$`, 'm'));
    await assert.rejects(run('show', 'nothing'), /There is no dataset with the id nothing: see teddyhub datasets list/);
  });

  it('uploads where it is told to, and gives the whole report as JSON', async () => {
    const shard = { ...(await asShard('train')), '99.png': await numbered(99) };
    const path = await writeTar(join(importRoot, 'shard.tar'), shard);
    const classes = join(importRoot, 'classes.txt');
    await writeFile(classes, 'cat\ndog\n');
    const { stdout } = await cli(
      path,
      '--upload',
      '--json',
      '--hold-out',
      '0.5',
      '--max-skipped',
      '0.3',
      '--classes',
      classes,
    );
    const dataset = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual(
      [dataset.name, dataset.layout, dataset.classNames, dataset.trainCount, dataset.skippedRecords],
      [
        'shard',
        'WEBDATASET',
        ['cat', 'dog'],
        2,
        [{ split: 'TRAIN', record: '99.png', reason: 'the sample has no label' }],
      ],
    );
  });

  it('refuses what cannot be meant before anything is sent', async () => {
    const path = await writeTar(join(importRoot, 'refused.tar'), await asClassFolders());
    const asked = await api.world.database.dataset.count();
    for (const [options, words] of [
      [['--channels', '4'], /Allowed choices are 1, 3/],
      [['--channels', 'grey'], /Allowed choices are 1, 3/],
      [['--hold-out', '1'], /between 0 and 1/],
      [['--upload', '--name', ' '], /A name has 1 to 200 characters/],
    ] as const) {
      await assert.rejects(cli(path, ...options), words);
    }
    assert.equal(await api.world.database.dataset.count(), asked);
    assert.deepEqual(JSON.parse((await cli(path, '--channels', '1', '--json')).stdout).imageShape.channels, 1);
  });

  it('cancels an import, whose dataset can then be archived and deleted', async () => {
    const { database } = api.world;
    const source = { kind: 'FILES', path: '/slow' };
    const { id } = await database.dataset.create({ data: { projectId: api.project.id, name: 'Slow', source } });
    const globalId = toGlobalId('Dataset', id);
    for (const _time of [1, 2]) {
      assert.equal((await run('cancel', globalId)).stdout, 'The import of Slow is canceled.\n');
    }
    assert.match((await run('show', globalId)).stdout, /^ {2}FAILED: Canceled by key:/m);
    for (const name of ['datasetArchive', 'datasetDelete']) {
      const payload = await api.mutate(name, 'RetentionInput', 'dataset { id }', { id: globalId });
      assert.deepEqual(errorsOf(payload), []);
    }
    assert.equal(await database.auditEvent.count({ where: { subjectId: id, action: 'datasetImportCancel' } }), 1);
    const ready = await seedDataset(database, api.project);
    await assert.rejects(run('cancel', toGlobalId('Dataset', ready.id)), /is READY already: there is nothing left/);
  });

  it('ends with one line and status 1 where the import fails', async () => {
    const path = await writeTree(join(importRoot, 'none'), { 'notes.txt': 'x' });
    await assert.rejects(cli(path), (error: Error & { code?: number; stderr?: string }) => {
      assert.equal(error.code, 1);
      const lines = (error.stderr ?? '').split('\n').filter((line) => line.startsWith('teddyhub: '));
      assert.equal(lines.length, 1);
      assert.match(lines[0] ?? '', /layout of the source cannot be told/);
      return true;
    });
  });
});
