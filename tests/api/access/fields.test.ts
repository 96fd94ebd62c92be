import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { GraphQLSchema } from 'graphql';
import { ROLES, type Role } from '../../../src/domain/viewer.js';
import { buildTeddyhubSchema } from '../../../src/graphql/schema.js';
import { at, openApi, type TestApi } from '../server.js';
import { fieldsOf, type Probe, probesOf } from './probes.js';
import { FIELDS, ROLES_OF, ROUTES, type Rule } from './table.js';
import { type Everything, fingerprint, idsOfNothing, seedEverything } from './world.js';

let api: TestApi;
let schema: GraphQLSchema;
let everything: Everything;
let stranger: string;

before(async () => {
  api = await openApi();
  schema = await buildTeddyhubSchema();
  everything = await seedEverything(api);
  stranger = await api.newKey('ADMIN', 'elsewhere');
});
after(() => api.close());

const RULES = new Map<string, Rule>(
  Object.entries(FIELDS).flatMap(([type, byRule]) =>
    Object.entries(byRule).flatMap(([rule, fields]) =>
      fields.split(/\s+/).map((field) => [`${type}.${field}`, rule as Rule] as const),
    ),
  ),
);

/** Lists in which a stranger finds something: all workers, and its own key with the making of it. */
const SHARED = new Set([
  'Query.workers',
  'Query.apiKeys',
  'Query.auditEvents',
  'WorkerConnection.totalCount',
  'ApiKeyConnection.totalCount',
  'AuditEventConnection.totalCount',
]);

/** Results of bulk mutations name the id that the caller has sent, and nothing else of the object. */
const ECHOES = new Set([
  'DistillationRunsPayload.results',
  'DistillationRunResult.id',
  'DistilledSetsArchivePayload.results',
  'DistilledSetResult.id',
]);

interface Seen {
  data: unknown;
  codes: string[];
}

async function ask(probe: Probe, key: string): Promise<Seen> {
  const answer =
    probe.kind === 'subscription' ? (await api.follow(probe.text, {}, 1, key))[0] : await api.send(probe.text, {}, key);
  const errors = (at(answer, 'errors') as { extensions: { code: string } }[] | undefined) ?? [];
  return { data: at(answer, 'data') ?? null, codes: errors.map((error) => error.extensions.code) };
}

/** Whether an answer holds the field, null or not, at the end of a path; of lists any element will do. */
function holds(value: unknown, [name, ...rest]: string[]): boolean {
  if (Array.isArray(value)) return value.some((item) => holds(item, [name ?? '', ...rest]));
  if (typeof value !== 'object' || value === null || name === undefined || !(name in value)) return false;
  return rest.length === 0 || holds((value as Record<string, unknown>)[name], rest);
}

/** Some at a time, for there are more than a thousand questions. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<string[]>): Promise<string[]> {
  const left = [...items];
  const complaints: string[] = [];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) complaints.push(...(await work(item)));
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return complaints;
}

describe('every field of the schema', () => {
  it('is in the table of who may have it', () => {
    assert.deepEqual(
      { missing: fieldsOf(schema).filter((field) => !RULES.has(field)), gone: [...RULES.keys()].filter(isGone) },
      { missing: [], gone: [] },
    );
    function isGone(field: string): boolean {
      return !fieldsOf(schema).includes(field);
    }
  });

  for (const role of ROLES) {
    it(`is given to ${role} as the table says, and to nobody by accident`, async () => {
      // Mutations that a role may do are asked for with ids of nothing: the world stays as it is.
      const probes = [
        ...probesOf(schema, everything.ids).filter(({ kind }) => kind !== 'mutation'),
        ...probesOf(schema, idsOfNothing()).filter(({ kind }) => kind === 'mutation'),
      ];
      const complaints = await inParallel(probes, async (probe) => {
        const { data, codes } = await ask(probe, api.keys[role]);
        const rule = RULES.get(probe.field);
        if (rule === undefined) return [`${probe.field} has no rule`];
        const allowed = (ROLES_OF[rule] as readonly Role[]).includes(role);
        const right = allowed ? codes.length === 0 && holds(data, probe.path) : codes.join() === 'FORBIDDEN';
        return right
          ? []
          : [
              `${probe.field}: ${allowed ? 'allowed' : 'denied'}, but ${codes.join()} ${probe.text} ${JSON.stringify(data)}`,
            ];
      });
      assert.deepEqual(complaints, []);
    });
  }

  it("gives nothing of a project to another project's ADMIN, and changes nothing of it", async () => {
    const before = await fingerprint(api);
    const complaints = await inParallel(probesOf(schema, everything.ids), async (probe) => {
      const { data, codes } = await ask(probe, stranger);
      const text = JSON.stringify(data);
      const leaks = everything.secrets.filter(
        (secret) => text.includes(secret) && !(ECHOES.has(probe.field) && probe.text.includes(secret)),
      );
      const bad = codes.filter((code) => code !== 'NOT_FOUND');
      if (!SHARED.has(probe.field) && /"totalCount":[1-9]/.test(text)) bad.push('how many there are');
      return leaks.length + bad.length === 0
        ? []
        : [`${probe.field} tells ${leaks.join()} ${bad.join()}: ${probe.text}`];
    });
    assert.deepEqual(complaints, []);
    assert.equal(await fingerprint(api), before);
  });

  it('is given to nobody without a key', async () => {
    for (const probe of probesOf(schema, everything.ids).filter(({ field }) => /^(Query|Mutation)\./.test(field))) {
      const { status, data } = await api.send(probe.text, {}, null);
      assert.deepEqual([status, data], [401, undefined], probe.field);
    }
  });
});

describe('every route beside GraphQL', () => {
  const routes = () =>
    at(
      api.log.find((entry) => entry.msg === 'api ready'),
      'routes',
    ) as string[];

  it('is in the table of who may have it', () => {
    assert.deepEqual([...routes()].sort(), Object.keys(ROUTES).sort());
  });

  it('serves whom the table says, and to another project is not there', async () => {
    const { set, ids } = everything;
    for (const [route, rule] of Object.entries(ROUTES)) {
      // Takes bytes and answers none: tests/api/datasets.test.ts.
      if (route.startsWith('/v1/uploads/')) continue;
      const folder = route.split('/').at(-2);
      const file = Object.keys(set.files).find((file) => file.endsWith('.tar') === (folder === 'shards')) ?? '';
      const name = folder === 'exports' ? 'data.npz' : file;
      const url =
        api.url + route.replace(':id', route.startsWith('/v1/teachers/') ? ids.Teacher : set.id).replace(':name', name);
      const statusFor = async (key: string | null) => {
        const headers = key === null ? undefined : { authorization: `Bearer ${key}` };
        const response = await fetch(url, headers ? { headers } : {});
        await response.arrayBuffer();
        return response.status;
      };
      if (rule === 'PUBLIC') {
        assert.equal(await statusFor(null), 200, route);
        continue;
      }
      assert.equal(await statusFor(null), 401, route);
      assert.equal(await statusFor(stranger), 404, route);
      for (const role of ROLES) {
        const allowed = (ROLES_OF[rule] as readonly Role[]).includes(role);
        assert.equal(await statusFor(api.keys[role]), allowed ? 200 : 403, `${route} for ${role}`);
      }
    }
  });
});
