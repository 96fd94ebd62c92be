/** A PostgreSQL of its own with the large database in it, and a key to it; kept between runs of a benchmark where asked. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiKeyRepository } from '../../src/modules/api-key/api-key.repository.js';
import { OperatorKeys } from '../../src/modules/api-key/operator-keys.js';
import { openDatabase } from '../../src/platform/database/client.js';
import { startEmbeddedPostgres } from '../../src/platform/embedded/postgres.js';
import { deployMigrations } from '../../src/platform/migrate/migrations.js';
import { type LargeCounts, seedLarge } from './seed-large.js';

export interface LargeWorld {
  databaseUrl: string;
  key: string;
  projectId: string;
  counts: LargeCounts;
  close(): Promise<void>;
}

export async function openLargeWorld(options: { runs: number; keep: boolean }): Promise<LargeWorld> {
  const folder = join(tmpdir(), `teddyhub-bench-api-${options.runs}`);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'postgres'), port: 55_400, fast: true });
  const known = await readFile(join(folder, 'world.json'), 'utf8').catch(() => null);
  let world: Pick<LargeWorld, 'key' | 'projectId' | 'counts'>;
  if (known === null) {
    await deployMigrations(postgres.url);
    const database = openDatabase(postgres.url);
    const key = await new OperatorKeys(new ApiKeyRepository(database)).create({ name: 'bench', role: 'ADMIN' });
    const { id: projectId } = await database.project.findUniqueOrThrow({ where: { name: 'default' } });
    await database.$disconnect();
    const counts = await seedLarge(postgres.url, projectId, options, (line) => process.stdout.write(`${line}\n`));
    world = { key, projectId, counts };
    await writeFile(join(folder, 'world.json'), JSON.stringify(world));
  } else {
    world = JSON.parse(known) as typeof world;
  }
  return {
    ...world,
    databaseUrl: postgres.url,
    async close() {
      await postgres.stop();
      if (!options.keep) await rm(folder, { recursive: true, force: true });
    },
  };
}
