import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { buildTeddyhubSchema } from '../../../src/graphql/schema.js';
import { readGlobalId, toGlobalId } from '../../../src/modules/kit/node.js';
import { until } from '../../support/until.js';
import { seedEverything } from '../access/world.js';
import { type Answer, at, listAt, openApi, type TestApi } from '../server.js';
import { addLike, belongingTo, type ConnectionField, connectionsOf, remove } from './connections.js';

const connections = connectionsOf(await buildTeddyhubSchema());
const DIRECTIONS = ['ASC', 'DESC'] as const;

let api: TestApi;
let ids: Record<string, string>;

before(async () => {
  api = await openApi();
  ({ ids } = await seedEverything(api));
});
after(() => api.close());

const uuidOf = (globalId: string): string => readGlobalId(globalId)!.uuid;

interface Page {
  ids: string[];
  cursors: string[];
  info: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
  total: number | undefined;
}

/** One page of a connection, by the path that leads to it. */
function ask({ parent, field }: ConnectionField, args: string, selection: string): Promise<Answer> {
  const call = `${field}${args && `(${args})`} { ${selection} }`;
  return api.send(
    parent === 'Query'
      ? `{ ${call} }`
      : `{ node(id: ${JSON.stringify(ids[parent])}) { ... on ${parent} { ${call} } } }`,
  );
}

async function page(connection: ConnectionField, args: string, total = false): Promise<Page> {
  const selection = `edges { cursor node { id } } nodes { id } ${total ? 'totalCount' : ''}
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }`;
  const { data, errors } = await ask(connection, args, selection);
  assert.deepEqual(errors, [], `${connection.parent}.${connection.field}(${args})`);
  const value = at(data, connection.parent === 'Query' ? connection.field : `node.${connection.field}`);
  const edges = listAt(value, 'edges');
  const nodes = listAt(value, 'nodes').map((node) => String(at(node, 'id')));
  assert.deepEqual(
    edges.map((edge) => at(edge, 'node.id')),
    nodes,
  );
  const cursors = edges.map((edge) => String(at(edge, 'cursor')));
  const info = at(value, 'pageInfo') as Page['info'];
  assert.deepEqual([info.startCursor, info.endCursor], [cursors[0] ?? null, cursors.at(-1) ?? null]);
  return { ids: nodes, cursors, info, total: at(value, 'totalCount') as number | undefined };
}

const orderBy = (field: string, direction: string) => `orderBy: { field: ${field}, direction: ${direction} }`;

/** All pages of two, forwards or backwards, in the order of the list. */
async function walk(connection: ConnectionField, order: string, backwards: boolean): Promise<string[]> {
  const seen: string[] = [];
  for (let cursor: string | null = null, more = true; more; ) {
    const from = cursor === null ? '' : `, ${backwards ? 'before' : 'after'}: ${JSON.stringify(cursor)}`;
    const { ids: found, info } = await page(connection, `${backwards ? 'last' : 'first'}: 2, ${order}${from}`);
    if (backwards) seen.unshift(...found);
    else seen.push(...found);
    more = backwards ? info.hasPreviousPage : info.hasNextPage;
    cursor = backwards ? info.startCursor : info.endCursor;
    assert.ok(seen.length < 500, 'the list has an end');
  }
  return seen;
}

const refusal = ({ errors }: Answer) => errors.map((error) => error.extensions.code);

describe('the schema', () => {
  it('has connections, sorted by at least one field each', () => {
    assert.ok(connections.length >= 15, `${connections.length}`);
    for (const { parent, field, orders } of connections) assert.ok(orders.length > 0, `${parent}.${field}`);
  });
});

for (const connection of connections) {
  const { parent, field, node, orders } = connection;

  describe(`${parent}.${field}`, () => {
    const made: string[] = [];
    const add = async (changes: Record<string, unknown> = {}) => {
      const owner = parent === 'Query' ? null : uuidOf(ids[parent]!);
      const row = { ...belongingTo(connection, owner), ...changes };
      const id = await addLike(api.world.database, node, uuidOf(ids[node]!), row);
      made.push(id);
      return toGlobalId(node, id);
    };

    before(async () => {
      // Values that are equal, and values that are not there.
      const time = { createdAt: '2026-01-01T00:00:00.000Z' };
      const run = node === 'DistillationRun' ? { startedAt: null, finishedAt: null } : {};
      for (const _row of [1, 2, 3]) await add({ ...time, name: 'equal', accuracy: 60 });
      await add({ createdAt: '2026-01-02T00:00:00.000Z', name: 'other', ...run });
      await add({ createdAt: '2026-01-03T00:00:00.000Z', name: 'öther', ...run });
    });
    after(async () => {
      for (const id of made) await remove(api.world.database, node, id);
    });

    for (const order of orders) {
      it(`is the same list by ${order} in one page, in small ones, backwards, and the other way round`, async () => {
        const whole = await page(connection, `first: 100, ${orderBy(order, 'ASC')}`, true);
        assert.ok(whole.ids.length >= 5);
        assert.equal(whole.total, whole.ids.length);
        assert.equal(new Set(whole.ids).size, whole.ids.length);
        for (const direction of DIRECTIONS) {
          const expected = direction === 'ASC' ? whole.ids : [...whole.ids].reverse();
          for (const backwards of [false, true]) {
            assert.deepEqual(await walk(connection, orderBy(order, direction), backwards), expected);
          }
        }
      });

      it(`keeps its place by ${order} when rows come, and when the row of the cursor goes`, async () => {
        for (const direction of DIRECTIONS) {
          const by = orderBy(order, direction);
          const doomed = await add({ name: 'm', createdAt: '2026-01-01T12:00:00.000Z' });
          const before = await page(connection, `first: 100, ${by}`);
          const place = before.ids.indexOf(doomed);
          const cursor = JSON.stringify(before.cursors[place]);
          await remove(api.world.database, node, uuidOf(doomed));
          await add({ name: 'aaa', createdAt: '2025-01-01T00:00:00.000Z' });
          await add({ name: 'zzz', createdAt: '2027-01-01T00:00:00.000Z' });
          const rest = await page(connection, `first: 100, after: ${cursor}, ${by}`);
          const begin = await page(connection, `last: 100, before: ${cursor}, ${by}`);
          const known = new Set(before.ids);
          assert.deepEqual(
            rest.ids.filter((id) => known.has(id)),
            before.ids.slice(place + 1),
          );
          assert.deepEqual(
            begin.ids.filter((id) => known.has(id)),
            before.ids.slice(0, place),
          );
          const now = await page(connection, `first: 100, ${by}`);
          assert.deepEqual([...begin.ids, ...rest.ids], now.ids);
        }
      });
    }

    it('ends a window at both of its cursors', async () => {
      const { ids: all, cursors } = await page(connection, 'first: 100');
      const between = `after: ${JSON.stringify(cursors[0])}, before: ${JSON.stringify(cursors.at(-1))}`;
      assert.deepEqual((await page(connection, `first: 100, ${between}`)).ids, all.slice(1, -1));
      assert.deepEqual((await page(connection, `last: 100, ${between}`)).ids, all.slice(1, -1));
    });

    it('refuses sizes other than 1 to 100, and foreign, forged or other cursors', async () => {
      const { cursors } = await page(connection, `first: 1, ${orderBy(orders[0]!, 'ASC')}`);
      const own = JSON.stringify(cursors[0]);
      const [version, sort, , id] = JSON.parse(Buffer.from(cursors[0]!, 'base64url').toString()) as unknown[];
      const forge = (...parts: unknown[]) => JSON.stringify(Buffer.from(JSON.stringify(parts)).toString('base64url'));
      const refused = [
        '',
        'first: 0',
        'first: 101',
        'last: 0',
        'last: 101',
        'first: 1, last: 1',
        'first: 1, after: "nonsense"',
        `first: 1, ${orderBy(orders[0]!, 'DESC')}, after: ${own}`,
        ...orders.slice(1).map((order) => `first: 1, ${orderBy(order, 'ASC')}, after: ${own}`),
        `first: 1, ${orderBy(orders[0]!, 'ASC')}, after: ${forge(version, 'Other:CREATED_AT:ASC', 0, id)}`,
        `first: 1, ${orderBy(orders[0]!, 'ASC')}, after: ${forge(version, sort, { $ne: 1 }, id)}`,
        `first: 1, ${orderBy(orders[0]!, 'ASC')}, after: ${forge(version, sort, 1e300, id)}`,
        `first: 1, ${orderBy(orders[0]!, 'ASC')}, after: ${forge(version, sort, 0, "' OR 1=1")}`,
      ];
      for (const args of refused) {
        assert.deepEqual(refusal(await ask(connection, args, 'nodes { id }')), ['BAD_USER_INPUT'], args);
      }
    });

    it('counts only when it is asked to', async () => {
      const statements = async (selection: string) => {
        const from = api.log.length;
        await ask(connection, 'first: 1', selection);
        const line = await until('the line of the request', () =>
          api.log.slice(from).find(({ msg, path }) => msg === 'request' && path === '/graphql'),
        );
        assert.equal(typeof line.statements, 'number');
        return line.statements as number;
      };
      // A key is looked up again every two seconds.
      const fewest = async (selection: string) =>
        Math.min(await statements(selection), await statements(selection), await statements(selection));
      assert.equal(await fewest('nodes { id } totalCount'), (await fewest('nodes { id }')) + 1);
    });
  });
}
