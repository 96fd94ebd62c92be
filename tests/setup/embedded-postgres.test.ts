import assert from 'node:assert/strict';
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import {
  createDatabase,
  dropDatabase,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/platform/embedded/postgres.js';
import { isRunning } from '../../src/platform/embedded/process.js';
import { copyShared } from '../../src/platform/embedded/shared-files.js';
import { startEmbeddedStack } from '../../src/platform/embedded/stack.js';

const USER = fileURLToPath(new URL('postgres-user.child.js', import.meta.url));

async function rows(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** A process of its own that uses the server of `dataDir` until it is told to stop; returns the server's process id. */
async function otherUser(dataDir: string) {
  const child = fork(USER, [dataDir]);
  const [pid] = (await once(child, 'message')) as [number];
  return { child, pid };
}

describe('the embedded PostgreSQL', () => {
  let dataDir: string;
  let server: EmbeddedPostgres;

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'teddyhub-postgres-'));
    // mkdtemp's folders are private, and root's server runs as somebody else.
    chmodSync(dataDir, 0o755);
    server = await startEmbeddedPostgres({ dataDir, fast: true });
    await rows(server.url, 'create table kept (n int)');
    await rows(server.url, 'insert into kept select generate_series(1, 1000)');
  });

  after(async () => {
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const restart = async () => {
    server = await startEmbeddedPostgres({ dataDir, fast: true });
  };
  const count = async () => (await rows(server.url, 'select count(*)::int as n from kept'))[0];

  it('starts in an empty folder as UTF-8 with the C collation, whoever runs it', async () => {
    const [database] = await rows(
      server.url,
      "select pg_encoding_to_char(encoding) as encoding, datcollate from pg_database where datname = 'teddyhub'",
    );
    assert.deepEqual(database, { encoding: 'UTF8', datcollate: 'C' });
    // PostgreSQL refuses to run as root, so for root it runs as somebody else.
    if (process.getuid?.() === 0) assert.notEqual(statSync(`/proc/${server.pid}`).uid, 0);
  });

  it('listens on the loopback address alone and wants its password', async () => {
    const [setting] = await rows(server.url, 'show listen_addresses');
    assert.deepEqual(setting, { listen_addresses: '127.0.0.1' });
    assert.equal(statSync(join(dataDir, 'server.json')).mode & 0o777, 0o600);
    const wrong = new URL(server.url);
    wrong.password = 'wrong';
    await assert.rejects(rows(wrong.href, 'select 1'), { code: '28P01' });
  });

  it('keeps its rows and its address over a restart', async () => {
    const { url, pid } = server;
    await server.stop();
    assert.equal(isRunning(pid), false);
    await restart();
    assert.equal(server.url, url);
    assert.deepEqual(await count(), { n: 1000 });
  });

  it('recovers after kill -9 of the server', async () => {
    const killed = server;
    process.kill(killed.pid, 'SIGKILL');
    await restart();
    assert.notEqual(server.pid, killed.pid);
    assert.deepEqual(await count(), { n: 1000 });
    await killed.stop();
    assert.equal(isRunning(server.pid), true);
  });

  it('starts when the lock file names a stranger, as after a reboot', async () => {
    await server.stop();
    const path = join(dataDir, 'data', 'postmaster.pid');
    writeFileSync(path, `${process.ppid}\n${join(dataDir, 'data')}\n1\n${server.port}\n\n127.0.0.1\n\n`);
    await restart();
    assert.deepEqual(await count(), { n: 1000 });
  });

  it('starts when the lock file names another PostgreSQL, as after a restart of a container', async () => {
    await server.stop();
    // Of that name, and at work elsewhere.
    const stranger = join(dataDir, 'postgres');
    copyFileSync('/bin/sleep', stranger);
    chmodSync(stranger, 0o755);
    const other = spawn(stranger, ['600'], { cwd: tmpdir() });
    await once(other, 'spawn');
    try {
      const path = join(dataDir, 'data', 'postmaster.pid');
      writeFileSync(path, `${other.pid}\n${join(dataDir, 'data')}\n1\n${server.port}\n\n127.0.0.1\n\n`);
      await restart();
      assert.deepEqual(await count(), { n: 1000 });
    } finally {
      other.kill('SIGKILL');
    }
  });

  it('starts where a power cut left an empty lock', async () => {
    await server.stop();
    writeFileSync(join(dataDir, 'lock'), '');
    await restart();
    assert.deepEqual(await count(), { n: 1000 });
  });

  it('moves to the next port when its own is in use, and remembers it', async () => {
    await server.stop();
    const squatter: Server = createServer().listen(server.port, '127.0.0.1');
    await once(squatter, 'listening');
    const wanted = server.port;
    try {
      await restart();
      assert.ok(server.port > wanted);
      assert.equal(
        (JSON.parse(readFileSync(join(dataDir, 'server.json'), 'utf8')) as { port: number }).port,
        server.port,
      );
      assert.deepEqual(await count(), { n: 1000 });
    } finally {
      squatter.close();
    }
  });

  it('is shared: it goes on when the process that started it stops, and ends with its last user', async () => {
    const { child, pid } = await otherUser(dataDir);
    assert.equal(pid, server.pid);
    await server.stop();
    assert.equal(isRunning(pid), true);
    child.send('stop');
    await once(child, 'exit');
    assert.equal(isRunning(pid), false);
    await restart();
  });

  it('is adopted from a process that was killed, and then ends with its adopter', async () => {
    await server.stop();
    const { child, pid } = await otherUser(dataDir);
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal(isRunning(pid), true);
    await restart();
    assert.equal(server.pid, pid);
    await server.stop();
    assert.equal(isRunning(pid), false);
    await restart();
  });

  it('is started once by two processes at the same time', async () => {
    await server.stop();
    const users = await Promise.all([otherUser(dataDir), otherUser(dataDir)]);
    assert.equal(users[0].pid, users[1].pid);
    for (const { child } of users) {
      child.send('stop');
      await once(child, 'exit');
    }
    assert.equal(isRunning(users[0].pid), false);
    await restart();
  });

  it('creates databases from a template and drops them with their connections', async () => {
    const url = await createDatabase(server.adminUrl, 'copy', 'teddyhub');
    assert.deepEqual(await rows(url, 'select count(*)::int as n from kept'), [{ n: 1000 }]);
    const open = new pg.Client({ connectionString: url });
    open.on('error', () => {});
    await open.connect();
    await dropDatabase(server.adminUrl, 'copy');
    await dropDatabase(server.adminUrl, 'copy');
    await assert.rejects(rows(url, 'select 1'), { code: '3D000' });
  });
});

describe('the embedded PostgreSQL in a folder that only root may enter', { skip: process.getuid?.() !== 0 }, () => {
  let closed: string;
  const homes = new Set<string>();
  before(() => {
    closed = mkdtempSync(join(tmpdir(), 'teddyhub-closed-'));
  });
  after(() => {
    for (const folder of [closed, ...homes]) rmSync(folder, { recursive: true, force: true });
  });
  /** Runs `work` on the server of a folder, and answers where its files are. */
  const serve = async (name: string, work: (url: string) => Promise<unknown> = async () => undefined) => {
    const server = await startEmbeddedPostgres({ dataDir: join(closed, name), fast: true });
    try {
      const [row] = await rows(server.url, "select current_setting('data_directory') as folder");
      const { folder } = row as { folder: string };
      homes.add(join(folder, '..'));
      await work(server.url);
      return folder;
    } finally {
      await server.stop();
    }
  };

  it('keeps its files where its own account may go', async () => {
    const folder = await serve('postgres');
    assert.ok(folder.startsWith('/var/lib/teddyhub/'), folder);
  });

  it('is the same in a folder that was moved, and another one in a copy, and in a folder that was made anew', async () => {
    const folder = await serve('here', (url) => rows(url, 'create table kept (n int)'));
    renameSync(join(closed, 'here'), join(closed, 'there'));
    assert.equal(await serve('there', (url) => rows(url, 'select * from kept')), folder);
    assert.notEqual(await serve('here'), folder);
    cpSync(join(closed, 'there'), join(closed, 'copy'), { recursive: true });
    assert.notEqual(await serve('copy'), folder);
    assert.equal(await serve('there'), folder);
  });

  it('says in one line that its files are gone, where the folder has stayed or was moved, and begins anew once it is told to', async () => {
    const home = join(await serve('left'), '..');
    rmSync(home, { recursive: true });
    const name = join(closed, 'left', 'name.json');
    const message = `The database of ${closed} was in ${home}, which is gone: restore it, or remove ${name} to begin anew.`;
    await assert.rejects(serve('left'), { message });
    renameSync(join(closed, 'left'), join(closed, 'taken'));
    await assert.rejects(serve('taken'), { message: message.replace(name, join(closed, 'taken', 'name.json')) });
    rmSync(join(closed, 'taken', 'name.json'));
    await serve('taken');
  });

  it('is reached by its own account where the umask leaves others nothing', async () => {
    const umask = process.umask(0o077);
    try {
      await serve('masked');
      // Programs that were installed under it, and are copied under it.
      const [from, to] = [join(closed, 'native'), join(closed, 'native-copy')];
      mkdirSync(join(from, 'bin'), { recursive: true });
      writeFileSync(join(from, 'bin', 'postgres'), '', { mode: 0o755 });
      writeFileSync(join(from, 'text'), '');
      symlinkSync('text', join(from, 'link'));
      copyShared(from, to);
      const modes = ['', 'bin', 'bin/postgres', 'text'].map((name) => statSync(join(to, name)).mode & 0o777);
      assert.deepEqual(modes, [0o755, 0o755, 0o755, 0o644]);
      assert.equal(readlinkSync(join(to, 'link')), 'text');
    } finally {
      process.umask(umask);
    }
  });

  it('is one where two begin at once', async () => {
    const users = await Promise.all([otherUser(join(closed, 'both')), otherUser(join(closed, 'both'))]);
    for (const { child } of users) {
      child.send('stop');
      await once(child, 'exit');
    }
    assert.equal(users[0].pid, users[1].pid);
    await serve('both');
  });
});

describe('the embedded stack', () => {
  it('keeps the database of a new folder inside it, beside objects that are private', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'teddyhub-stack-'));
    chmodSync(folder, 0o755);
    const stateDir = join(folder, 'new', 'state');
    const stack = await startEmbeddedStack({ stateDir, fast: true });
    try {
      assert.ok(existsSync(join(stateDir, 'postgres', 'data', 'PG_VERSION')), 'the data is in the folder');
      for (const folder of [stack.objectStoreDir, join(stateDir, 'scratch'), join(stateDir, 'shards')]) {
        assert.equal(statSync(folder).mode & 0o777, 0o700);
      }
    } finally {
      await stack.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
