import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { readConfig } from '../../src/platform/config/env.js';
import { failureWith } from '../support/failure.js';
import { openApi, type TestApi } from './server.js';

const DASHBOARD = 'https://dashboard.example.com';
let api: TestApi;
let closed: TestApi;

before(async () => {
  api = await openApi({ TEDDYHUB_ALLOWED_ORIGINS: `${DASHBOARD}, http://localhost:5173` });
  closed = await openApi();
});
after(async () => {
  await Promise.all([api?.close(), closed?.close()]);
});

describe('a page of another origin', () => {
  const ask = (url: string, origin: string, init: RequestInit = {}) =>
    fetch(url, { ...init, headers: { ...init.headers, origin } });
  const allowed = (response: Response) => response.headers.get('access-control-allow-origin');
  const preflight = (url: string, origin: string) =>
    ask(url, origin, {
      method: 'OPTIONS',
      headers: {
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });

  it('may ask with a key where it is named, and reads what errors and limits say', async () => {
    const before = await preflight(`${api.url}/graphql`, DASHBOARD);
    assert.equal(before.status, 204);
    assert.equal(allowed(before), DASHBOARD);
    assert.equal(before.headers.get('access-control-allow-headers'), 'authorization,content-type');
    const response = await ask(`${api.url}/graphql`, DASHBOARD, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${api.keys.VIEWER}` },
      body: JSON.stringify({ query: '{ viewer { role } }' }),
    });
    assert.deepEqual(await response.json(), { data: { viewer: { role: 'VIEWER' } } });
    assert.equal(allowed(response), DASHBOARD);
    assert.match(response.headers.get('access-control-expose-headers') ?? '', /x-request-id.*x-ratelimit-remaining/);
    assert.match(response.headers.get('vary') ?? '', /Origin/i);
    const refused = await ask(`${api.url}/v1/distilled-sets/none/manifest.json`, 'http://localhost:5173');
    assert.equal(refused.status, 401);
    assert.equal(allowed(refused), 'http://localhost:5173');
  });

  it('is not let in where it is not named, or nobody is', async () => {
    assert.equal(allowed(await preflight(`${api.url}/graphql`, 'https://elsewhere.example.com')), null);
    assert.equal(allowed(await ask(`${closed.url}/livez`, DASHBOARD)), null);
  });

  it('is named by its origin alone', () => {
    const read = (origins: string) => readConfig({ TEDDYHUB_ALLOWED_ORIGINS: origins }, '.').allowedOrigins;
    for (const origins of ['dashboard.example.com', `${DASHBOARD}/`, `${DASHBOARD} http://localhost`]) {
      assert.throws(() => read(origins), failureWith('BAD_CONFIGURATION', 'TEDDYHUB_ALLOWED_ORIGINS: must be origins'));
    }
    assert.deepEqual([read(''), read('*')], [[], ['*']]);
  });
});
