/** The API: configuration -> database -> queue -> objects -> events -> modules -> schema -> HTTP, and back in the opposite order. */
import 'reflect-metadata';
import { contextFactory, freshContextFactory } from './graphql/context.js';
import { buildTeddyhubSchema } from './graphql/schema.js';
import { serveHttp } from './http/server.js';
import { ensureFirstKey, type FirstKey } from './modules/api-key/first-key.js';
import { OperatorKeys } from './modules/api-key/operator-keys.js';
import { createRepositories, createServices } from './modules/index.js';
import type { Config } from './platform/config/env.js';
import { type Database, openDatabase } from './platform/database/client.js';
import { explainDatabase } from './platform/database/failures.js';
import { createRunEventHub } from './platform/events/run-event-hub.js';
import type { Log } from './platform/log.js';
import type { ObjectStore } from './platform/object-store/object-store.js';
import { openObjectStore } from './platform/object-store/open-object-store.js';
import { PATIENCE } from './platform/object-store/retry.js';
import { openTaskQueue } from './platform/queue/task-queue.js';
import { markStore, ownerOf } from './platform/retention/ownership.js';

export interface Api {
  /** Where it answers, without a slash at the end. */
  url: string;
  /** In embedded mode the first ADMIN key; null elsewhere, where `teddyhub key create` makes keys. */
  adminKey: FirstKey | null;
  /** What is open now. */
  gauges(): { sockets: number; subscriptions: number; followers: number };
  /** Answers what is under way, ends subscriptions, lets go of everything. */
  close(): Promise<void>;
}

/**
 * Somebody waits for the answer: a store that is away is told within seconds, one that is silent within a minute, and the client
 * tries again. MinIO gives a sign of life every 10 s while it puts a large upload together.
 */
const BRIEF_PATIENCE = { ...PATIENCE, attempts: 4, idleMs: 12_000 };

const ANSWER_SLACK_MS = 10_000;

/** Before a garbage collection asks whose the objects are. Nobody waits for it: the first look at a large store takes a while. */
async function markOwnStore(database: Database, store: ObjectStore, log: Log, closing: AbortSignal): Promise<void> {
  try {
    const owner = await ownerOf(database, store);
    if (owner === 'FREE') await markStore(database, store);
    if (owner === 'OTHERS') log.warn("the object store is another database's: `teddyhub gc` removes nothing from it");
  } catch (error) {
    if (!closing.aborted)
      log.warn({ reason: String(error) }, "the object store could not be marked as this database's");
  }
}

/** Throws a TeddyhubError of one line when the database, the store or the port cannot be had. The database is migrated. */
export async function startApi(options: {
  config: Config & { databaseUrl: string };
  log: Log;
  embedded: boolean;
}): Promise<Api> {
  const { config, log, embedded } = options;
  const { databaseUrl } = config;
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const step of closers.splice(0).reverse()) {
      await step().catch((error: unknown) => log.error({ err: error }, 'could not close cleanly'));
    }
  };
  try {
    const database = openDatabase(databaseUrl, {
      statementTimeoutMs: config.limits.requestMs,
      // The server's own word comes first.
      answerMs: config.limits.requestMs + ANSWER_SLACK_MS,
      name: 'teddyhub-api',
    });
    closers.push(() => database.$disconnect());
    const store = await openObjectStore(config.objectStore, BRIEF_PATIENCE);
    const closing = new AbortController();
    void markOwnStore(database, store, log, closing.signal);
    closers.push(async () => closing.abort());
    const queue = await openTaskQueue(databaseUrl, { log, role: 'API' });
    closers.push(() => queue.close());
    const hub = createRunEventHub({ database, databaseUrl, log });
    closers.push(() => hub.close());

    const repositories = createRepositories(database);
    const services = createServices({ database, queue, store, hub, importRoot: config.importRoot, log }, repositories);
    const adminKey = embedded
      ? await ensureFirstKey(services.authenticator, new OperatorKeys(repositories.apiKeys), config.stateDir)
      : null;

    const { host, port, production, publicUrl, allowedOrigins, scratchDir: scratch } = config;
    const http = await serveHttp({
      host,
      port,
      otherPorts: embedded,
      production,
      publicUrl,
      allowedOrigins,
      scratch,
      schema: await buildTeddyhubSchema(),
      createContext: contextFactory(services, repositories),
      freshContext: freshContextFactory(repositories),
      limits: config.limits,
      services,
      database,
      store,
      log,
    });
    closers.push(() => http.close());
    log.info({ url: http.url, routes: http.routes }, 'api ready');
    return {
      url: http.url,
      adminKey,
      gauges: () => ({
        sockets: http.sockets,
        subscriptions: http.subscriptions,
        followers: hub.activeFollowers,
      }),
      close,
    };
  } catch (error) {
    await close();
    throw explainDatabase(error, databaseUrl);
  }
}
