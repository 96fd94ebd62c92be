/**
 * A real PostgreSQL beside the service, for machines that have none. The server outlives a crash of whoever started it,
 * and the next to need it adopts it. Several processes may use one: the last to stop takes it down.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { TeddyhubError } from '../../domain/errors.js';
import { type Cluster, initialise, lastLine, locateCluster, SUPERUSER, serverEnvironment } from './cluster.js';
import { withLock } from './lock.js';
import { commandOf, folderOf, isAlive, isRunning, type ProcessIdentity, self } from './process.js';

export interface EmbeddedPostgresOptions {
  /** Folder of the server's files; made when it is not there. */
  dataDir: string;
  /** Port to try first (default: the last one used, or 54329); one in use gives way to the next that is free. */
  port?: number;
  /** Connections that it takes at most (default: 200). */
  connections?: number;
  /** No fsync: for tests alone, a power cut may lose everything. */
  fast?: boolean;
}

export interface EmbeddedPostgres {
  /** Connection URL of the service's own database. */
  url: string;
  /** Connection URL of the maintenance database, to create and drop others. */
  adminUrl: string;
  /** Process id of the server. */
  pid: number;
  port: number;
  /** Whether it ran already, and another living process uses it. */
  isJoined: boolean;
  isRunning(): boolean;
  /** Ends this process' use of the server, and the server itself when no other living process uses it. */
  stop(): Promise<void>;
}

/** Kept beside the data, readable by the owner alone. */
interface ServerState {
  port: number;
  password: string;
  users: ProcessIdentity[];
}

const FIRST_PORT = 54_329;
const PORTS_TO_TRY = 50;
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;

/** Starts or adopts the server of `dataDir` and makes the database; every start wants its stop. Throws UNAVAILABLE with one line when it cannot. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const cluster = locateCluster(options.dataDir);
  return withLock(join(cluster.home, 'lock'), async () => {
    const state = readState(cluster) ?? { port: options.port ?? FIRST_PORT, password: newPassword(), users: [] };
    if (!existsSync(join(cluster.data, 'PG_VERSION'))) {
      state.password = newPassword();
      writeState(cluster, state);
      initialise(cluster, state.password, options.fast !== true);
    }
    const settings = { durable: options.fast !== true, connections: options.connections ?? 200 };
    const adopted = await adopt(cluster, state);
    const running = adopted ?? (await launch(cluster, state, { first: options.port ?? state.port, ...settings }));
    const users = [...state.users.filter(isAlive), self()];
    writeState(cluster, { ...state, users });
    await ensureDatabase(urlOf(state, 'postgres'), SUPERUSER);
    return {
      url: urlOf(state, SUPERUSER),
      adminUrl: urlOf(state, 'postgres'),
      pid: running,
      port: state.port,
      isJoined: adopted !== undefined && state.users.some(isAlive),
      isRunning: () => isRunning(running),
      stop: once(() => withLock(join(cluster.home, 'lock'), () => leave(cluster))),
    };
  });
}

/** The running server's process id, once it takes connections; undefined when none runs on this data. */
async function adopt(cluster: Cluster, state: ServerState): Promise<number | undefined> {
  const running = postmasterOf(cluster);
  if (running === undefined) return undefined;
  state.port = running.port;
  try {
    await untilReady(cluster, state, running.pid);
    return running.pid;
  } catch (error) {
    // It was on its way out: killed, or stopped by somebody else.
    if (!isRunning(running.pid)) return undefined;
    throw error;
  }
}

async function launch(
  cluster: Cluster,
  state: ServerState,
  { first, ...settings }: { first: number } & ServerSettings,
): Promise<number> {
  await clearStaleLock(cluster);
  for (let port = await freePort(first); port < first + PORTS_TO_TRY; port = await freePort(port + 1)) {
    state.port = port;
    const pid = spawnServer(cluster, port, settings);
    try {
      await untilReady(cluster, state, pid);
      return pid;
    } catch (error) {
      if (!/Address already in use/.test(tailOfLog(cluster))) throw error;
    }
  }
  throw new TeddyhubError(
    'UNAVAILABLE',
    `No free port from ${first} on for PostgreSQL: free one, or set DATABASE_URL.`,
  );
}

/**
 * PostgreSQL itself discards a dead server's lock file, but not one whose process id answers: a killed server nobody has
 * reaped, or after a reboot a stranger. That file goes once no child of the old server is attached to its memory.
 */
async function clearStaleLock(cluster: Cluster): Promise<void> {
  const path = join(cluster.data, 'postmaster.pid');
  if (!existsSync(path)) return;
  const segment = readFileSync(path, 'utf8').split('\n')[6]?.trim().split(/\s+/)[1];
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (segment !== undefined && isAttached(segment)) {
    if (Date.now() > deadline) {
      throw new TeddyhubError('UNAVAILABLE', `Processes of a killed PostgreSQL still use ${cluster.data}: end them.`);
    }
    await sleep(20);
  }
  rmSync(path, { force: true });
}

/** Whether a process is attached to the System V memory segment; false where the system has no /proc. */
function isAttached(segment: string): boolean {
  const table = '/proc/sysvipc/shm';
  if (!existsSync(table)) return false;
  const rows = readFileSync(table, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  return rows.some((row) => row[1] === segment && Number(row[6]) > 0);
}

interface ServerSettings {
  durable: boolean;
  connections: number;
}

function spawnServer(cluster: Cluster, port: number, { durable, connections }: ServerSettings): number {
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: connections,
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  // Of a start that failed nothing is kept beside the log of the last server that ran.
  if (existsSync(logOf(cluster)) && hasRun(cluster)) renameSync(logOf(cluster), `${logOf(cluster)}.previous`);
  const log = openSync(logOf(cluster), 'w', 0o600);
  try {
    // A session of its own: Ctrl-C at the terminal must reach the service alone, which then stops the server in order.
    const child = spawn(join(cluster.binaries, 'postgres'), ['-D', cluster.data, ...flags], {
      ...cluster.account,
      cwd: cluster.data,
      env: serverEnvironment(),
      detached: true,
      stdio: ['ignore', log, log],
    });
    child.on('error', () => {});
    child.unref();
    if (child.pid === undefined) {
      throw new TeddyhubError(
        'UNAVAILABLE',
        `PostgreSQL could not be started from ${cluster.binaries}: run npm run bootstrap.`,
      );
    }
    return child.pid;
  } finally {
    closeSync(log);
  }
}

/** Waits until the server of exactly this data answers; throws with the last line of its log when it ends instead. */
async function untilReady(cluster: Cluster, state: ServerState, pid: number): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  let problem = 'it did not answer in time';
  while (Date.now() < deadline) {
    try {
      const [row] = await query(urlOf(state, 'postgres'), "select current_setting('data_directory') as folder");
      if (row?.folder === cluster.data) return;
      problem = `port ${state.port} belongs to another server`;
    } catch (error) {
      problem = (error as Error).message;
      // Before ours listens, another server may have taken the port and refuse: then ours ends, and says why.
      if ((error as { code?: string }).code === '28P01' && isListening(cluster)) break;
    }
    if (!isRunning(pid)) {
      problem = lastLine(tailOfLog(cluster));
      break;
    }
    await sleep(20);
  }
  throw new TeddyhubError(
    'UNAVAILABLE',
    `PostgreSQL did not start (${problem}): see ${logOf(cluster)}, or set DATABASE_URL.`,
  );
}

async function leave(cluster: Cluster): Promise<void> {
  const state = readState(cluster);
  if (state === undefined) return;
  const mine = state.users.findIndex(({ pid }) => pid === process.pid);
  const users = state.users.filter((user, index) => index !== mine && isAlive(user));
  writeState(cluster, { ...state, users });
  const running = postmasterOf(cluster);
  if (users.length > 0 || running === undefined) return;
  process.kill(running.pid, 'SIGINT');
  if (await gone(running.pid)) return;
  process.kill(running.pid, 'SIGQUIT');
  await gone(running.pid);
}

async function gone(pid: number): Promise<boolean> {
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (!isRunning(pid)) return true;
    await sleep(10);
  }
  return false;
}

/** What postmaster.pid names, if that is alive and a PostgreSQL: after a reboot the number may be somebody else's. */
function postmasterOf(cluster: Cluster): { pid: number; port: number } | undefined {
  const path = join(cluster.data, 'postmaster.pid');
  if (!existsSync(path)) return undefined;
  const lines = readFileSync(path, 'utf8').split('\n');
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  if (!(pid > 0) || !isRunning(pid) || (commandOf(pid) ?? 'postgres') !== 'postgres') return undefined;
  // Of another PostgreSQL as well: a server works in its data.
  const data = realpathSync(cluster.data);
  if ((folderOf(pid) ?? data) !== data) return undefined;
  return { pid, port };
}

/** By the eighth line of postmaster.pid, which is `ready` once the server takes connections. */
function isListening(cluster: Cluster): boolean {
  const path = join(cluster.data, 'postmaster.pid');
  return existsSync(path) && readFileSync(path, 'utf8').split('\n')[7]?.trim() === 'ready';
}

/** Creates `name` as a copy of `template` (default: an empty database) and returns its URL. */
export async function createDatabase(adminUrl: string, name: string, template = 'template0'): Promise<string> {
  await query(adminUrl, `create database ${pg.escapeIdentifier(name)} template ${pg.escapeIdentifier(template)}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** Drops `name`, ending the connections to it; no error when it is not there. */
export async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  await query(adminUrl, `drop database if exists ${pg.escapeIdentifier(name)} with (force)`);
}

async function ensureDatabase(adminUrl: string, name: string): Promise<void> {
  const found = await query(adminUrl, `select 1 from pg_database where datname = ${pg.escapeLiteral(name)}`);
  if (found.length === 0) await createDatabase(adminUrl, name);
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** The first port from `port` on that nobody listens on. */
async function freePort(port: number): Promise<number> {
  const free = await new Promise<boolean>((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
  return free ? port : freePort(port + 1);
}

function readState(cluster: Cluster): ServerState | undefined {
  const path = join(cluster.home, 'server.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as ServerState) : undefined;
}

function writeState(cluster: Cluster, state: ServerState): void {
  const path = join(cluster.home, 'server.json');
  // On the disk before it takes the place of the old one: it has the only password.
  writeFileSync(`${path}.new`, JSON.stringify(state), { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}

const newPassword = () => randomBytes(24).toString('base64url');
const urlOf = (state: ServerState, database: string) =>
  `postgresql://${SUPERUSER}:${state.password}@127.0.0.1:${state.port}/${database}`;
const logOf = (cluster: Cluster) => join(cluster.home, 'server.log');
/** It says so as it begins, and logs of months may be larger than a text can be. */
function hasRun(cluster: Cluster): boolean {
  const log = openSync(logOf(cluster), 'r');
  try {
    const begin = Buffer.alloc(64 * 1024);
    return begin.toString('utf8', 0, readSync(log, begin)).includes('ready to accept connections');
  } finally {
    closeSync(log);
  }
}

const tailOfLog = (cluster: Cluster) => readFileSync(logOf(cluster), 'utf8').slice(-2_000);
