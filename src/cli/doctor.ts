/** `teddyhub doctor`: what this machine has, what is wrong with it, and what to do. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { availableParallelism, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Command } from 'commander';
import pg from 'pg';
import { TeddyhubError } from '../domain/errors.js';
import { type Config, readConfig } from '../platform/config/env.js';
import { missingGpu } from '../platform/config/gpu.js';
import { unknownNames } from '../platform/config/names.js';
import { startEmbeddedStack } from '../platform/embedded/stack.js';
import { migrationStatus } from '../platform/migrate/migrations.js';
import { openObjectStore } from '../platform/object-store/open-object-store.js';

export interface Finding {
  name: string;
  ok: boolean;
  /** What was found, or what is wrong and what to do: one line. */
  detail: string;
}

const GIGABYTE = 1024 ** 3;
/** What quickstart needs. */
const LEAST_MEMORY = 4 * GIGABYTE;
const OLDEST_NODE = [22, 12];
const PROBE_TIMEOUT_MS = 60_000;
const OWN = 'DATABASE_URL';

/** Looks at everything; never throws for what it finds. */
export async function diagnose(env: NodeJS.ProcessEnv, directory: string): Promise<Finding[]> {
  const findings = [checkNode(), ...(await checkTensorFlow(env)), checkCores(), checkMemory(), ...checkNames(env)];
  try {
    const config = readConfig(env, directory);
    return [
      ...findings,
      await finding('database', () => checkDatabase(config)),
      await finding('object store', () => checkObjectStore(config)),
    ];
  } catch (error) {
    return [...findings, { name: 'configuration', ok: false, detail: lineOf(error) }];
  }
}

/** The command; exit status 1 when something is wrong. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('show what was found on this machine and what is wrong with it')
    .option('--json', 'print JSON instead of a table')
    .action(async ({ json }: { json?: boolean }) => {
      const findings = await diagnose(process.env, process.cwd());
      console.log(json === true ? JSON.stringify(findings) : tableOf(findings));
      process.exitCode = findings.every(({ ok }) => ok) ? 0 : 1;
    });
}

function tableOf(findings: Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  return findings
    .map(({ name, ok, detail }) => `${ok ? 'ok   ' : 'WRONG'} ${name.padEnd(width)}  ${detail}`)
    .join('\n');
}

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [oldest = 0, oldestMinor = 0] = OLDEST_NODE;
  // Node 24 removed a function that the TensorFlow binding calls.
  const ok = major === oldest && minor >= oldestMinor;
  const detail = ok
    ? process.version
    : `${process.version} cannot run this: start it with npm, which uses the pinned Node 22.`;
  return { name: 'Node', ok, detail };
}

async function checkTensorFlow(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const probe = fileURLToPath(new URL('probe-tensorflow.js', import.meta.url));
  const options = {
    timeout: PROBE_TIMEOUT_MS,
    env: { ...env, TF_CPP_MIN_LOG_LEVEL: '3', NODE_NO_WARNINGS: '1' },
  };
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [probe], options);
    const found = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { version: string; device: string };
    const gpu = missingGpu(env, found.device);
    return [
      { name: 'TensorFlow', ok: true, detail: found.version },
      { name: 'device', ok: gpu === undefined, detail: gpu === undefined ? found.device : `${found.device}: ${gpu}.` },
    ];
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.split('\n').find((line) => /^\w*Error/.test(line));
    const reason = said ?? `it ended with ${(error as { signal?: string }).signal ?? 'no output'}`;
    const detail = `It does not load (${reason.slice(0, 200)}): run npm run bootstrap.`;
    return [{ name: 'TensorFlow', ok: false, detail }];
  }
}

const checkCores = (): Finding => ({ name: 'cores', ok: true, detail: String(availableParallelism()) });

function checkMemory(): Finding {
  const bytes = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  const size = `${(bytes / GIGABYTE).toFixed(1)} GiB`;
  const ok = bytes >= LEAST_MEMORY;
  return { name: 'memory', ok, detail: ok ? size : `${size} is too little: 4 GiB are needed.` };
}

/** What is read by no name is a setting that does nothing. */
function checkNames(env: NodeJS.ProcessEnv): Finding[] {
  const names = unknownNames(env);
  if (names.length === 0) return [];
  const detail = `${names.join(', ')}: nothing reads ${names.length === 1 ? 'it' : 'them'}; .env.example has the names.`;
  return [{ name: 'environment', ok: false, detail }];
}

async function checkDatabase(config: Config): Promise<string> {
  if (config.databaseUrl !== undefined) return describeDatabase(config.databaseUrl, OWN);
  const stack = await startEmbeddedStack({ stateDir: config.stateDir });
  try {
    return await describeDatabase(stack.databaseUrl, `embedded, ${config.stateDir}`);
  } finally {
    await stack.stop();
  }
}

async function describeDatabase(url: string, where: string): Promise<string> {
  const { pending, failed, edited, unknown } = await migrationStatus(url);
  if (failed.length > 0)
    throw new TeddyhubError('INVALID_STATE', `The migration ${failed[0]} failed: see node scripts/migrate.mjs.`);
  if (edited.length > 0)
    throw new TeddyhubError('INVALID_STATE', `The migration ${edited[0]} was edited after it was applied: restore it.`);
  if (unknown.length > 0)
    throw new TeddyhubError(
      'INVALID_STATE',
      `The database (${where}) has had migrations that this version does not know: update this checkout.`,
    );
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    return `PostgreSQL ${rows[0]?.server_version} (${where}), ${stateOf(pending.length, where)}`;
  } finally {
    await client.end();
  }
}

/** `teddyhub up` migrates by itself; an API and workers on a database of one's own wait for somebody who does. */
function stateOf(pending: number, where: string): string {
  if (pending === 0) return 'up to date';
  const how = where === OWN ? 'node scripts/migrate.mjs deploy applies them' : 'the next start applies them';
  return `migrations to apply: ${pending} (${how})`;
}

async function checkObjectStore({ objectStore }: Config): Promise<string> {
  const store = await openObjectStore(objectStore);
  const key = `doctor/${randomUUID()}`;
  const bytes = Buffer.from(key);
  await store.put(key, bytes);
  const intact = bytes.equals(await store.get(key));
  await store.delete(key);
  if (!intact) throw new TeddyhubError('OBJECT_CORRUPT', 'It returned other bytes than it was given.');
  return objectStore.kind === 'folder' ? objectStore.path : `${objectStore.endpoint}, bucket ${objectStore.bucket}`;
}

async function finding(name: string, check: () => Promise<string>): Promise<Finding> {
  try {
    return { name, ok: true, detail: await check() };
  } catch (error) {
    return { name, ok: false, detail: lineOf(error) };
  }
}

const lineOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, '; ');
