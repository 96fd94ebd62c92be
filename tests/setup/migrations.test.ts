import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
import { migrationAdapter } from '../../src/platform/migrate/adapter.js';
import {
  checkMigrations,
  createMigration,
  deployMigrations,
  migrationStatus,
  resolveApplied,
  resolveRolledBack,
} from '../../src/platform/migrate/migrations.js';

const PRISMA = fileURLToPath(new URL('../../../prisma', import.meta.url));
const IN_ORDER = { pending: [], failed: [], edited: [], unknown: [] };
/** Sorts after every real migration. */
const NEXT = '29990101000000_next';

const SCHEMA = 'datasource db {\n  provider = "postgresql"\n}\n\nmodel Thing {\n  id Int @id\n}\n';

describe('migrations', () => {
  let server: EmbeddedPostgres;
  let folder: string;
  let count = 0;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'teddyhub-migrations-'));
    // PostgreSQL refuses to run as root: where root runs the tests, another account must reach the folder.
    chmodSync(folder, 0o755);
    server = await startEmbeddedPostgres({ dataDir: join(folder, 'postgres'), fast: true });
  });

  after(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const emptyDatabase = () => createDatabase(server.adminUrl, `empty${count++}`);

  /** A prisma/ folder with one migration that makes a table, and the one named NEXT with `sql`. */
  async function folderWith(sql?: string): Promise<string> {
    const prisma = join(folder, `prisma${count++}`);
    mkdirSync(prisma);
    writeFileSync(join(prisma, 'schema.prisma'), SCHEMA);
    await createMigration(server.url, 'init', prisma);
    if (sql !== undefined) writeNext(prisma, sql);
    return prisma;
  }

  function writeNext(prisma: string, sql: string): void {
    mkdirSync(join(prisma, 'migrations', NEXT), { recursive: true });
    writeFileSync(join(prisma, 'migrations', NEXT, 'migration.sql'), sql);
  }

  async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  const tables = async (url: string) =>
    (await query(url, "select tablename from pg_tables where schemaname = 'public' order by 1")).map(
      (row) => row.tablename,
    );
  const databases = async () =>
    (await query(server.adminUrl, 'select datname from pg_database')).map((row) => row.datname);

  it('bring an empty database up, and a second time do nothing', async () => {
    const url = await emptyDatabase();
    const applied = await deployMigrations(url);
    assert.ok(applied.length > 0);
    assert.ok((await tables(url)).includes('DistillationRun'));
    assert.deepEqual(await deployMigrations(url), []);
    assert.deepEqual(await migrationStatus(url), IN_ORDER);
  });

  it('lead to exactly what schema.prisma describes', async () => {
    assert.equal(await checkMigrations(server.url), undefined);
    assert.equal(await createMigration(server.url, 'nothing_to_do'), undefined);
  });

  it('are told from a schema that has moved on, and no shadow database stays behind', async () => {
    const prisma = await folderWith();
    writeFileSync(join(prisma, 'schema.prisma'), SCHEMA.replace('id Int @id', 'id Int @id\n  name String'));
    assert.match((await checkMigrations(server.url, prisma)) ?? '', /name/);
    assert.deepEqual(
      (await databases()).filter((name) => String(name).includes('shadow')),
      [],
    );
  });

  it('never touch the main database while they are replayed', async () => {
    const url = await emptyDatabase();
    await checkMigrations(url);
    assert.deepEqual(await tables(url), []);
  });

  it('leave nothing of one that fails, block the next deploy, and go on once it is resolved', async () => {
    const prisma = await folderWith('create table half (n int);\ncreate table other (n no_such_type);');
    const url = await emptyDatabase();
    await assert.rejects(deployMigrations(url, prisma), { message: new RegExp(`${NEXT} failed .*no_such_type`) });
    assert.deepEqual(await tables(url), ['Thing', '_prisma_migrations']);
    await assert.rejects(deployMigrations(url, prisma), { message: new RegExp(`${NEXT} failed before`) });
    assert.deepEqual((await migrationStatus(url, prisma)).failed, [NEXT]);
    await resolveRolledBack(url, NEXT);
    writeNext(prisma, 'create table other (n int);');
    assert.deepEqual(await deployMigrations(url, prisma), [NEXT]);
  });

  for (const [when, ran] of [
    ['after', true],
    ['before', false],
  ] as const) {
    it(`go on where whoever applied them died ${when} the script`, async () => {
      const script = 'create table other (n int);';
      const prisma = await folderWith();
      const url = await emptyDatabase();
      await deployMigrations(url, prisma);
      writeNext(prisma, script);
      // What the engine writes before it runs a script; after it, it did not live to write anything.
      const checksum = createHash('sha256').update(script).digest('hex');
      await query(
        url,
        `insert into _prisma_migrations (id, checksum, migration_name, started_at, applied_steps_count)
         values (gen_random_uuid(), '${checksum}', '${NEXT}', now(), 0)`,
      );
      const adapters = migrationAdapter(url);
      if (ran) await (await adapters.connect()).executeScript(script);
      await adapters.close();
      assert.deepEqual(await deployMigrations(url, prisma), ran ? [] : [NEXT]);
      assert.deepEqual(await migrationStatus(url, prisma), IN_ORDER);
      assert.deepEqual(await tables(url), ['Thing', '_prisma_migrations', 'other']);
    });
  }

  it('say what mends a database where one is there and is not known to be, and go on after that', async () => {
    const script = 'create table other (n int);';
    const prisma = await folderWith();
    const url = await emptyDatabase();
    await deployMigrations(url, prisma);
    writeNext(prisma, script);
    await query(url, script);
    const hint = `resolve --applied ${NEXT}`;
    await assert.rejects(deployMigrations(url, prisma), { message: new RegExp(`already exists.*${hint}`) });
    await resolveApplied(url, NEXT, prisma);
    assert.deepEqual(await deployMigrations(url, prisma), []);
    assert.deepEqual(await migrationStatus(url, prisma), IN_ORDER);
  });

  it('may hold functions, triggers and quoted semicolons', async () => {
    const body = "create function greet() returns text language plpgsql as $$ begin return 'a;b'; end $$;";
    const prisma = await folderWith(`${body}\ncreate table other (n text default greet());`);
    const url = await emptyDatabase();
    await deployMigrations(url, prisma);
    assert.deepEqual(await query(url, 'select greet()'), [{ greet: 'a;b' }]);
  });

  it('are applied once when two processes deploy at once', async () => {
    const prisma = await folderWith('create table other (n int);');
    const url = await emptyDatabase();
    const applied = await Promise.all([deployMigrations(url, prisma), deployMigrations(url, prisma)]);
    assert.equal(applied.flat().length, 2);
    assert.deepEqual(await migrationStatus(url, prisma), IN_ORDER);
  });

  it('that were edited after they were applied, or are unknown here, are named', async () => {
    const prisma = await folderWith('create table other (n int);');
    const url = await emptyDatabase();
    await deployMigrations(url, prisma);
    writeNext(prisma, 'create table other (n bigint);');
    assert.deepEqual((await migrationStatus(url, prisma)).edited, [NEXT]);
    rmSync(join(prisma, 'migrations', NEXT), { recursive: true });
    assert.deepEqual((await migrationStatus(url, prisma)).unknown, [NEXT]);
  });

  it('keep the checksums that the ordinary prisma migrate compares', async () => {
    const url = await emptyDatabase();
    await deployMigrations(url);
    const copy = join(folder, 'copy');
    cpSync(PRISMA, copy, { recursive: true });
    assert.deepEqual((await migrationStatus(url, copy)).edited, []);
    const [row] = await query(url, 'select checksum from _prisma_migrations limit 1');
    assert.match(String(row?.checksum), /^[0-9a-f]{64}$/);
  });

  it('say in one line what is wrong with the database, without its password', async () => {
    const url = await emptyDatabase();
    const broken = (change: (copy: URL) => void) => {
      const copy = new URL(url);
      change(copy);
      return deployMigrations(copy.href);
    };
    await assert.rejects(
      broken((copy) => {
        copy.pathname = '/missing';
      }),
      { message: /^There is no database [\d.:]+\/missing: .*DATABASE_URL\.$/ },
    );
    await assert.rejects(
      broken((copy) => {
        copy.port = '1';
      }),
      { message: /^No database answers at 127\.0\.0\.1:1\/.*DATABASE_URL\.$/ },
    );
    await assert.rejects(
      broken((copy) => {
        copy.password = 'secret';
      }),
      { message: /^[^s]*refuses the user or password in DATABASE_URL\.$/ },
    );
    await query(url, "create role denied nologin password 'secret'");
    await assert.rejects(
      broken((copy) => {
        [copy.username, copy.password] = ['denied', 'secret'];
      }),
      { code: 'BAD_CONFIGURATION', message: /^[^s]*refuses the user or password in DATABASE_URL\.$/ },
    );
    await dropDatabase(server.adminUrl, new URL(url).pathname.slice(1));
  });

  it('say in one line what hinders a database that answers, and apply what is pending afterwards', async () => {
    const url = await emptyDatabase();
    await deployMigrations(url);
    await query(
      url,
      'delete from _prisma_migrations where migration_name = (select max(migration_name) from _prisma_migrations)',
    );
    await query(
      url,
      "create function refuse() returns trigger language plpgsql as $$ begin raise exception using errcode = '53100'; end $$",
    );
    await query(url, 'create trigger refuse before insert on _prisma_migrations execute function refuse()');
    await assert.rejects(deployMigrations(url), {
      code: 'STORAGE_FULL',
      message: /^The disk of the database is full: /,
    });
    await query(url, 'drop function refuse cascade');
    const replica = new URL(url);
    replica.searchParams.set('options', '-c default_transaction_read_only=on');
    await assert.rejects(deployMigrations(replica.href), { message: /^The database at \S+ is read-only: / });
    await query(url, "create role crowded login password 'x' connection limit 0");
    const crowded = new URL(url);
    [crowded.username, crowded.password] = ['crowded', 'x'];
    await assert.rejects(deployMigrations(crowded.href), {
      message: /^The database at \S+ takes no more connections: /,
    });
    await dropDatabase(server.adminUrl, new URL(url).pathname.slice(1));
  });
});
