import assert from 'node:assert/strict';
import { randomBytes, randomUUID, scryptSync } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { ApiKeyRepository } from '../../src/modules/api-key/api-key.repository.js';
import { OperatorKeys } from '../../src/modules/api-key/operator-keys.js';
import { readGlobalId } from '../../src/modules/kit/node.js';
import { failureWith } from '../support/failure.js';
import { until } from '../support/until.js';
import { at, errorsOf, listAt, openApi, type TestApi, textAt } from './server.js';

let api: TestApi;
before(async () => {
  api = await openApi();
});
after(() => api.close());

const VIEWER = '{ viewer { role } }';
const FIELDS = 'apiKey { id prefix name role state expiresAt successor { prefix } }';

const change = async (name: string, input: Record<string, unknown>, key?: string) => {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
  const secret = name === 'apiKeyRevoke' ? '' : 'secret';
  const query = `mutation ($input: ${type}!) { ${name}(input: $input) { ${FIELDS} ${secret} userErrors { code message field } } }`;
  const { data, errors } = await api.send(query, { input }, key);
  assert.deepEqual(errors, []);
  return at(data, name);
};
const make = (input: Record<string, unknown> = {}, key?: string) =>
  change('apiKeyCreate', { name: 'k', role: 'VIEWER', idempotencyKey: randomUUID(), ...input }, key);
const rotate = (input: Record<string, unknown>) => change('apiKeyRotate', { idempotencyKey: randomUUID(), ...input });
const statusOf = async (key: string) => (await api.send(VIEWER, {}, key)).status;
const prefixOf = (key: string) => key.split('_')[1] ?? '';

describe('apiKeyCreate', () => {
  it('makes a key that works, shows it once, and keeps of it no more than a hash', async () => {
    const idempotencyKey = randomUUID();
    const first = await make({ name: ' for the wall ', idempotencyKey });
    const key = textAt(first, 'secret');
    assert.deepEqual((await api.send(VIEWER, {}, key)).data, { viewer: { role: 'VIEWER' } });
    assert.equal(at(first, 'apiKey.name'), 'for the wall');
    assert.equal(at(first, 'apiKey.prefix'), prefixOf(key));
    const again = await make({ name: 'for the wall', idempotencyKey });
    assert.deepEqual([at(again, 'apiKey.id'), at(again, 'secret')], [at(first, 'apiKey.id'), null]);
    const conflict = await make({ name: 'other', idempotencyKey });
    assert.deepEqual(errorsOf(conflict), [['IDEMPOTENCY_CONFLICT', 'idempotencyKey']]);
    const { database } = api.world;
    const everything = JSON.stringify([
      await database.apiKey.findMany(),
      await database.auditEvent.findMany(),
      await database.idempotencyKey.findMany(),
      api.log,
    ]);
    assert.ok(!everything.includes(key.split('_').slice(2).join('_')));
    const { secretHash } = await database.apiKey.findUniqueOrThrow({ where: { prefix: prefixOf(key) } });
    assert.match(secretHash, /^sha256:/);
  });

  it('made by an earlier version, of which a scrypt hash is kept, works as before', async () => {
    const key = textAt(await make(), 'secret');
    const [, prefix = '', ...rest] = key.split('_');
    const salt = randomBytes(16);
    const hash = scryptSync(rest.join('_'), salt, 32);
    const secretHash = `scrypt:${salt.toString('base64url')}:${hash.toString('base64url')}`;
    await api.world.database.apiKey.update({ where: { prefix }, data: { secretHash } });
    assert.equal(await statusOf(key), 200);
    assert.equal(await statusOf(`${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`), 401);
  });

  it('tells when a key was last used, and refuses an expiry in the past', async () => {
    const key = textAt(await make(), 'secret');
    const lastUse = async () => {
      const { data } = await api.send('{ apiKeys(first: 100) { nodes { prefix lastUsedAt } } }');
      const node = listAt(data, 'apiKeys.nodes').find((one) => at(one, 'prefix') === prefixOf(key));
      return at(node, 'lastUsedAt');
    };
    assert.equal(await lastUse(), null);
    await api.send(VIEWER, {}, key);
    assert.notEqual(await lastUse(), null);
    assert.deepEqual(errorsOf(await make({ expiresAt: '2020-01-01T00:00:00Z' })), [['INVALID_INPUT', 'expiresAt']]);
  });
});

describe('apiKeyRotate', () => {
  it('puts a key of the same role in the place of the old one, which ends at once or later', async () => {
    for (const overlapSeconds of [0, 600]) {
      const old = await make({ role: 'OPERATOR' });
      const oldKey = textAt(old, 'secret');
      assert.equal(await statusOf(oldKey), 200);
      const rotated = await rotate({ id: textAt(old, 'apiKey.id'), overlapSeconds });
      assert.deepEqual([errorsOf(rotated), at(rotated, 'apiKey.role')], [[], 'OPERATOR']);
      assert.equal(await statusOf(textAt(rotated, 'secret')), 200);
      if (overlapSeconds === 0) await until('the old one ends', async () => (await statusOf(oldKey)) === 401, 5_000);
      else assert.equal(await statusOf(oldKey), 200);
      const { data } = await api.send('query ($id: ID!) { apiKey(id: $id) { state successor { prefix } } }', {
        id: at(old, 'apiKey.id'),
      });
      assert.equal(at(data, 'apiKey.successor.prefix'), at(rotated, 'apiKey.prefix'));
      assert.equal(at(data, 'apiKey.state'), overlapSeconds === 0 ? 'EXPIRED' : 'ACTIVE');
      const history = (id: string) =>
        api.world.database.auditEvent.count({ where: { action: 'apiKeyReplace', subjectId: id } });
      assert.equal(await history(uuidOf(textAt(old, 'apiKey.id'))), 1);
      const twice = await rotate({ id: textAt(old, 'apiKey.id') });
      assert.deepEqual(errorsOf(twice), [['INVALID_STATE', 'id']]);
    }
  });

  it('makes one successor, however many ask at once', async () => {
    const id = textAt(await make(), 'apiKey.id');
    const answers = await Promise.all(Array.from({ length: 8 }, () => rotate({ id })));
    assert.equal(answers.filter((answer) => errorsOf(answer).length === 0).length, 1);
  });

  it('refuses an overlap out of range', async () => {
    const id = textAt(await make(), 'apiKey.id');
    for (const overlapSeconds of [-1, 31 * 86_400]) {
      assert.deepEqual(errorsOf(await rotate({ id, overlapSeconds })), [['INVALID_INPUT', 'overlapSeconds']]);
    }
  });
});

const uuidOf = (globalId: string) => readGlobalId(globalId)?.uuid ?? '';

describe('apiKeyRevoke', () => {
  it('ends a key within seconds, and a second time does nothing', async () => {
    const made = await make({ role: 'ADMIN' });
    const key = textAt(made, 'secret');
    assert.equal(await statusOf(key), 200);
    const id = textAt(made, 'apiKey.id');
    for (const _time of [1, 2]) {
      const payload = await change('apiKeyRevoke', { id });
      assert.deepEqual([errorsOf(payload), at(payload, 'apiKey.state')], [[], 'REVOKED']);
    }
    await until('the key is refused', async () => (await statusOf(key)) === 401, 5_000);
    const audit = await api.world.database.auditEvent.count({ where: { action: 'apiKeyRevoke' } });
    assert.equal(audit, 1);
  });

  it('leaves a project the successor of its last ADMIN key, though the old one works for a while', async () => {
    const old = await api.newKey('ADMIN', 'one admin');
    const idOf = async () =>
      textAt((await api.send('{ apiKeys(first: 1) { nodes { id } } }', {}, old)).data, 'apiKeys.nodes.0.id');
    const oldId = await idOf();
    const input = { id: oldId, overlapSeconds: 600, idempotencyKey: randomUUID() };
    const successor = await change('apiKeyRotate', input, old);
    const refused = await change('apiKeyRevoke', { id: textAt(successor, 'apiKey.id') }, old);
    assert.deepEqual(errorsOf(refused), [['INVALID_STATE', 'id']]);
    assert.deepEqual(errorsOf(await change('apiKeyRevoke', { id: oldId }, textAt(successor, 'secret'))), []);
  });

  it('leaves a project its last ADMIN key, also when two are ended at once', async () => {
    const [one, two] = [await api.newKey('ADMIN', 'two admins'), await api.newKey('ADMIN', 'two admins')];
    const { data } = await api.send('{ apiKeys(first: 9) { nodes { id } } }', {}, one);
    const ids = listAt(data, 'apiKeys.nodes').map((node) => textAt(node, 'id'));
    assert.equal(ids.length, 2);
    const ended = await Promise.all([
      change('apiKeyRevoke', { id: ids[0] }, one),
      change('apiKeyRevoke', { id: ids[1] }, two),
    ]);
    assert.deepEqual(ended.map(errorsOf).sort(), [[], [['INVALID_STATE', 'id']]]);
  });
});

describe('keys that are made and ended at the command line', () => {
  it('are in the history of their project', async () => {
    const { database } = api.world;
    const operator = new OperatorKeys(new ApiKeyRepository(database));
    const prefix = prefixOf(await operator.create({ name: 'by hand', role: 'ADMIN', project: 'history' }));
    await operator.revoke(prefix);
    await assert.rejects(operator.revoke(prefix), failureWith('NOT_FOUND', prefix));
    const key = await database.apiKey.findUniqueOrThrow({ where: { prefix } });
    const events = await database.auditEvent.findMany({ where: { subjectId: key.id }, orderBy: { id: 'asc' } });
    assert.deepEqual(
      events.map(({ projectId, actor, action }) => [projectId, actor, action]),
      ['apiKeyCreate', 'apiKeyRevoke'].map((action) => [key.projectId, 'operator', action]),
    );
  });
});
