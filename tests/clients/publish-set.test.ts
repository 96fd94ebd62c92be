import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { openTeddyhub, type Teddyhub } from '../../clients/typescript/src/index.js';
import { publishSet } from '../../src/cli/support/publish.js';

describe('publishing a set that is long in reading', () => {
  const published = { id: 'x', uuid: 'u', state: 'PUBLISHED' };
  /** What the next requests are answered with, and after how long. */
  let answers: [status: number, body: string, ms?: number][] = [];
  const server = createServer((_request, response) => {
    const [status, body, ms = 0] = answers.shift() ?? [500, ''];
    setTimeout(() => response.writeHead(status).end(body), ms);
  });
  let client: Teddyhub;
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    client = openTeddyhub({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, key: 'k' });
  });
  after(async () => {
    await client.close();
    server.close();
  });

  it('is asked for again where a proxy waits no longer, until the service answers', async () => {
    const data = { distilledSetPublish: { distilledSet: published, userErrors: [] } };
    answers = [
      [504, 'Gateway Timeout', 1_100],
      [504, 'Gateway Timeout', 1_100],
      [200, JSON.stringify({ data })],
    ];
    assert.deepEqual(await publishSet(client, 'x'), published);
  });

  it('fails where the service fails, or a proxy has nobody to wait for', async () => {
    for (const status of [502, 504]) {
      answers = [[status, 'Gone']];
      await assert.rejects(publishSet(client, 'x'), { code: 'UNREACHABLE' });
      assert.equal(answers.length, 0);
    }
  });
});
