/** A real API on a real database, and a client that speaks to it over HTTP and sockets. */
import { randomUUID } from 'node:crypto';
import { createClient } from 'graphql-ws';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import type { Role } from '../../src/domain/viewer.js';
import { type Api, startApi } from '../../src/main.js';
import { ApiKeyRepository } from '../../src/modules/api-key/api-key.repository.js';
import { OperatorKeys } from '../../src/modules/api-key/operator-keys.js';
import { readConfig } from '../../src/platform/config/env.js';
import type { Project } from '../../src/platform/database/generated/client.js';
import { createWorld, type World } from '../support/world.js';

export interface Answer {
  status: number;
  data: unknown;
  errors: { message: string; path?: unknown; extensions: { code: string; requestId: string } }[];
}

export interface TestApi {
  world: World;
  url: string;
  gauges: Api['gauges'];
  project: Project;
  keys: Record<Role, string>;
  /** What the API logged. */
  log: Record<string, unknown>[];
  /** As ADMIN of the project, unless another key is given; null: without one. */
  send(query: string, variables?: Record<string, unknown>, key?: string | null): Promise<Answer>;
  /** A mutation of one input: its payload. Fails the test on errors. */
  mutate(name: string, inputType: string, fields: string, input: Record<string, unknown>): Promise<unknown>;
  /** Events of a subscription until it ends, or until `enough` have come. */
  follow(
    query: string,
    variables: Record<string, unknown>,
    enough?: number,
    key?: string,
    onEvent?: (event: unknown) => void,
  ): Promise<unknown[]>;
  /** What a subscription that may not begin is refused with. */
  refuse(query: string, variables?: Record<string, unknown>, key?: string): Promise<Answer['errors']>;
  newKey(role: Role, project?: string): Promise<string>;
  close(): Promise<void>;
}

export async function openApi(environment: NodeJS.ProcessEnv = {}): Promise<TestApi> {
  const world = await createWorld();
  const log: Record<string, unknown>[] = [];
  const env = { NODE_ENV: 'test', PORT: '0', TEDDYHUB_STATE_DIR: world.stateDir, ...environment };
  const config = { ...readConfig(env, world.stateDir), databaseUrl: world.databaseUrl };
  const sink = { write: (line: string) => void log.push(JSON.parse(line) as Record<string, unknown>) };
  const api = await startApi({ config, log: pino({ level: 'info' }, sink), embedded: false });
  const service = new OperatorKeys(new ApiKeyRepository(world.database));
  const newKey = (role: Role, project = 'default') => service.create({ name: role, role, project });
  const keys = {
    ADMIN: await newKey('ADMIN'),
    OPERATOR: await newKey('OPERATOR'),
    VIEWER: await newKey('VIEWER'),
    WORKER: await newKey('WORKER'),
  };
  const project = await world.database.project.findUniqueOrThrow({ where: { name: 'default' } });

  const send: TestApi['send'] = async (query, variables = {}, key = keys.ADMIN) => {
    const response = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key === null ? {} : { authorization: `Bearer ${key}` }) },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors = [] } = (await response.json()) as Pick<Answer, 'data'> & Partial<Pick<Answer, 'errors'>>;
    return { status: response.status, data, errors };
  };

  const connect = (key: string) =>
    createClient({
      url: `${api.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${key}` },
      retryAttempts: 0,
    });

  return {
    world,
    url: api.url,
    gauges: api.gauges,
    project,
    keys,
    log,
    send,
    newKey,
    async mutate(name, inputType, fields, input) {
      const query = `mutation ($input: ${inputType}!) { ${name}(input: $input) { ${fields} userErrors { code message field } clientMutationId } }`;
      const { data, errors } = await send(query, { input });
      if (errors.length > 0) throw new Error(JSON.stringify(errors));
      return at(data, name);
    },
    async follow(query, variables, enough = Number.POSITIVE_INFINITY, key = keys.ADMIN, onEvent = () => undefined) {
      const client = connect(key);
      const seen: unknown[] = [];
      try {
        for await (const event of client.iterate({ query, variables })) {
          seen.push(event);
          onEvent(event);
          if (seen.length >= enough) break;
        }
        return seen;
      } finally {
        await client.dispose();
      }
    },
    async refuse(query, variables = {}, key = keys.ADMIN) {
      const client = connect(key);
      try {
        const first = await client
          .iterate({ query, variables })
          .next()
          .catch((errors: unknown) => ({ value: { errors } }));
        return listAt(first.value, 'errors') as Answer['errors'];
      } finally {
        await client.dispose();
      }
    },
    async close() {
      await api.close();
      await world.close();
    },
  };
}

/** The value at a path such as `datasets.nodes.0.id`; undefined where there is none. */
export function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((inner, key) => (inner as Record<string, unknown> | null | undefined)?.[key], value);
}

export const textAt = (value: unknown, path: string): string => {
  const found = at(value, path);
  if (typeof found !== 'string') throw new Error(`no text at ${path} of ${JSON.stringify(value)}`);
  return found;
};

export const listAt = (value: unknown, path: string): unknown[] => {
  const found = at(value, path);
  if (!Array.isArray(found)) throw new Error(`no list at ${path} of ${JSON.stringify(value)}`);
  return found as unknown[];
};

/** The codes and fields of a payload's user errors. */
export const errorsOf = (payload: unknown) =>
  listAt(payload, 'userErrors').map((error) => [at(error, 'code'), (at(error, 'field') as string[] | null)?.join('.')]);

const OBJECTS = {
  datasetImport: 'dataset',
  teacherPoolTrain: 'teacherPool',
  distillationRunStart: 'distillationRun',
  evaluationStart: 'evaluation',
};

/** A create mutation, under a key of its own unless the input has one. */
export function create(api: TestApi, name: keyof typeof OBJECTS, input: Record<string, unknown>): Promise<unknown> {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
  return api.mutate(name, type, `${OBJECTS[name]} { id state }`, { idempotencyKey: randomUUID(), ...input });
}
