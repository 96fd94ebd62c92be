import assert from 'node:assert/strict';
import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { putByDigest } from '../../src/platform/object-store/object-store.js';
import { MARK, markStore, ownerOf } from '../../src/platform/retention/ownership.js';
import { failed, runTeddyhub } from '../support/command.js';
import { failureWith } from '../support/failure.js';
import { seedPublishedSet } from '../support/published-set.js';
import { seedProject } from '../support/seeds.js';
import { createWorld, type World } from '../support/world.js';

const DAY_S = 86_400;

describe('garbage collection against a database that is not the one of the objects', () => {
  let world: World;
  let other: World;

  beforeEach(async () => {
    [world, other] = [await createWorld(), await createWorld()];
    // As every service has one of its own.
    await other.database.installation.deleteMany();
    await other.database.installation.create({ data: { id: crypto.randomUUID() } });
  });
  afterEach(async () => {
    await world?.close();
    await other?.close();
  });

  const gc = (database: World, ...args: string[]) =>
    runTeddyhub(['gc', ...args], {
      cwd: world.stateDir,
      env: { DATABASE_URL: database.databaseUrl, TEDDYHUB_STATE_DIR: world.stateDir },
    });
  /** Long ago, so that no grace period saves it. */
  const age = async (key: string) => {
    const then = Date.now() / 1000 - 3 * DAY_S;
    await utimes(join(world.stateDir, 'objects', key), then, then);
  };
  const stored = () => readdir(join(world.stateDir, 'objects', 'datasets'), { recursive: true });

  it('removes nothing of a store that another database has marked, until the store is taken over', async () => {
    await markStore(world.database, world.store);
    const { key } = await putByDigest(world.store, 'datasets', Buffer.from('shard'), '.bin');
    await age(key);
    const before = await stored();
    const refused = await gc(other);
    failed(refused, /objects are of another database than .*, and nothing was removed: check DATABASE_URL/);
    failed(await gc(other, '--dry-run'), /another database/);
    assert.deepEqual(await stored(), before);

    assert.match((await gc(other, '--adopt', '--dry-run')).lines.at(-1) ?? '', /^would remove 1 objects/);
    assert.equal(await ownerOf(world.database, world.store), 'OURS', 'a dry run takes nothing over');
    assert.match((await gc(other, '--adopt')).lines.at(-1) ?? '', /^removed 1 objects/);
    assert.equal(await world.store.stat(key), null);
    failed(await gc(world), /another database/);
  });

  it('removes nothing where the database is of a newer version, whose columns may name what this one does not know', async () => {
    await markStore(world.database, world.store);
    const { key } = await putByDigest(world.store, 'datasets', Buffer.from('shard'), '.bin');
    await age(key);
    await world.database.$executeRaw`INSERT INTO "_prisma_migrations" (id, checksum, migration_name, finished_at)
      VALUES ('newer', '', '29990101000000_newer', now())`;
    failed(await gc(world), /has had migrations that this version does not know, and nothing was removed: update this/);
    assert.notEqual(await world.store.stat(key), null);
  });

  it('removes nothing of an unmarked store that this database names nothing of', async () => {
    await seedPublishedSet(world, await seedProject(world.database));
    const { key } = await putByDigest(world.store, 'datasets', Buffer.from('shard'), '.bin');
    await age(key);
    failed(await gc(other), /another database/);
    assert.notEqual(await world.store.stat(key), null);
    // The database whose set it holds takes it, and marks it.
    assert.match((await gc(world)).lines.at(-1) ?? '', /^removed 1 objects/);
    assert.notEqual(await world.store.stat(MARK), null);
    assert.equal(await ownerOf(world.database, world.store), 'OURS');
    assert.equal(await ownerOf(other.database, world.store), 'OTHERS');
  });

  it('takes an empty store, and one with a damaged mark only where it is told to', async () => {
    assert.equal(await ownerOf(other.database, other.store), 'FREE');
    await world.store.put(MARK, Buffer.from('{'));
    await assert.rejects(ownerOf(world.database, world.store), failureWith('OBJECT_CORRUPT', '--adopt'));
    failed(await gc(world), /service\.json of the object store cannot be read/);
    assert.equal((await gc(world, '--adopt')).status, 0);
    assert.equal(await ownerOf(world.database, world.store), 'OURS');
  });
});
