import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { until } from '../support/until.js';
import { at, openApi, type TestApi } from './server.js';

let api: TestApi;
before(async () => {
  api = await openApi();
});
after(() => api.close());

const VIEWER = '{ viewer { role projectName } }';
const codes = (errors: { extensions: { code: string } }[]) => errors.map((error) => error.extensions.code);

describe('a key', () => {
  it('is needed, and every wrong one is refused alike', async () => {
    const [prefix] = api.keys.ADMIN.split('_').slice(1);
    const wrongSecret = `thk_${prefix}_${'A'.repeat(43)}`;
    const unknown = `thk_00000000_${'A'.repeat(43)}`;
    for (const key of [null, '', 'nonsense', unknown, wrongSecret]) {
      const { status, data, errors } = await api.send(VIEWER, {}, key);
      assert.deepEqual([status, data, codes(errors)], [401, undefined, ['UNAUTHENTICATED']]);
      assert.doesNotMatch(errors[0]?.message ?? '', /\n/);
    }
  });

  it('says who asks, and leaves nothing of its secret in the database', async () => {
    const { data } = await api.send(VIEWER, {}, api.keys.OPERATOR);
    assert.deepEqual(at(data, 'viewer'), { role: 'OPERATOR', projectName: 'default' });
    const rows = JSON.stringify(await api.world.database.apiKey.findMany());
    for (const key of Object.values(api.keys)) assert.ok(!rows.includes(key.split('_').slice(2).join('_')));
  });

  it('stops working within seconds of being revoked', async () => {
    const key = await api.newKey('ADMIN');
    assert.equal((await api.send(VIEWER, {}, key)).status, 200);
    const prefix = key.split('_')[1] ?? '';
    await api.world.database.apiKey.update({ where: { prefix }, data: { revokedAt: new Date() } });
    await until('the key is refused', async () => (await api.send(VIEWER, {}, key)).status === 401, 5_000);
  });

  it('stops working when it expires', async () => {
    const key = await api.newKey('ADMIN');
    const prefix = key.split('_')[1] ?? '';
    await api.world.database.apiKey.update({ where: { prefix }, data: { expiresAt: new Date(Date.now() - 1) } });
    assert.equal((await api.send(VIEWER, {}, key)).status, 401);
  });

  it('is checked when a socket opens', async () => {
    const client = createClient({
      url: `${api.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { apiKey: 'nonsense' },
      retryAttempts: 0,
    });
    const events = client.iterate({ query: 'subscription { runEvents(runId: "x") { sequence } }' });
    await assert.rejects(events.next(), (event: { code: number }) => event.code === 4403);
    await client.dispose();
  });
});
