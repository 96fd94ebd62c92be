/** `teddyhub gc`: removes what was deleted, and objects that no row names. */
import { Command } from 'commander';
import { TeddyhubError } from '../domain/errors.js';
import type { Config } from '../platform/config/env.js';
import { addressOf } from '../platform/database/failures.js';
import { isOutdated } from '../platform/migrate/pending.js';
import { openObjectStore } from '../platform/object-store/open-object-store.js';
import { type Collected, collectGarbage } from '../platform/retention/collect.js';
import { markStore, ownerOf } from '../platform/retention/ownership.js';
import { withDatabase } from './support/database.js';
import { sizeOf } from './support/size.js';

const HOUR_MS = 3_600_000;
/** Writers rely on objects of up to an hour without writing them anew. */
const MIN_HOURS = 2;
const MAX_HOURS = 24 * 36_525;

interface GcOptions {
  adopt?: boolean;
  dryRun?: boolean;
  graceHours: number;
  json?: boolean;
}

export function gcCommand(): Command {
  return new Command('gc')
    .description('remove what was deleted long enough ago, and what crashes left: objects that nothing names')
    .option('--dry-run', 'say what would be removed, and remove nothing')
    .option('--grace-hours <hours>', 'younger objects are kept', readHours, 24)
    .option(
      '--adopt',
      'take the store over from another database: whatever this one does not name is garbage from now on',
    )
    .option('--json', 'the result as JSON')
    .addHelpText('after', '\nSafe beside a service that runs. What an unfinished task may have written is kept.')
    .action(async ({ adopt = false, dryRun = false, graceHours, json = false }: GcOptions) => {
      const collected = await withDatabase(async (database, config) => {
        if (await isOutdated(database)) throw outdated();
        const store = await openObjectStore(config.objectStore);
        const owner = adopt ? 'OURS' : await ownerOf(database, store);
        if (owner === 'OTHERS') throw notOurs(config);
        if (adopt && !dryRun) await markStore(database, store);
        // Where the disk is full, or nobody may write there, it is made room all the same.
        if (owner === 'FREE' && !dryRun) await markStore(database, store).catch(() => undefined);
        return collectGarbage({
          database,
          store,
          graceMs: graceHours * HOUR_MS,
          dryRun,
          ...(json ? {} : { onRemoved: ({ key, bytes }) => console.log(`${verb(dryRun)}  ${key}  ${sizeOf(bytes)}`) }),
        });
      });
      console.log(json ? JSON.stringify(collected) : summary(collected));
    });
}

/** Half of the settings, or those of another service, and a database that names nothing has everything removed. */
function notOurs({ databaseUrl, objectStore, stateDir }: Config): TeddyhubError {
  const database = databaseUrl === undefined ? `the embedded database of ${stateDir}` : addressOf(databaseUrl);
  const store = objectStore.kind === 'folder' ? objectStore.path : `${objectStore.endpoint}/${objectStore.bucket}`;
  return new TeddyhubError(
    'INVALID_STATE',
    `The objects in ${store} are of another database than ${database}, and nothing was removed: ` +
      'check DATABASE_URL or S3_*; where that other one is gone for good, run this with --adopt.',
  );
}

/** What only newer columns name would be garbage to it. */
const outdated = (): TeddyhubError =>
  new TeddyhubError(
    'INVALID_STATE',
    'The database has had migrations that this version does not know, and nothing was removed: update this checkout first.',
  );

function readHours(text: string): number {
  const hours = Number(text);
  if (hours >= MIN_HOURS && hours <= MAX_HOURS) return hours;
  throw new TeddyhubError('INVALID_INPUT', `--grace-hours: ${text} is not a number from ${MIN_HOURS} to ${MAX_HOURS}.`);
}

const verb = (dryRun: boolean) => (dryRun ? 'would remove' : 'removed');

function summary({ dryRun, rows, objects, bytes, uploads, kept, before }: Collected): string {
  return (
    `${verb(dryRun)} ${objects} objects of ${sizeOf(bytes)}, ${uploads} unfinished uploads, ` +
    `${rows.distilledSets} distilled sets, ${rows.distillationRuns} runs, ${rows.teacherPools} teacher pools, ` +
    `${rows.datasets} datasets, ${rows.teacherStatistics} stale statistics, ` +
    `${rows.tokens} tokens, ${rows.idempotencyKeys} idempotency keys, ${rows.progressEvents} old progress events, ${rows.workers} workers that are gone; ` +
    `kept ${kept.objects} unnamed objects of ${sizeOf(kept.bytes)} written since ${before.toISOString()}`
  );
}
