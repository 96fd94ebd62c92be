/** API keys, by whoever may write to the database. */
import { Command, Option } from 'commander';
import { TeddyhubError } from '../domain/errors.js';
import { ROLES, type Role } from '../domain/viewer.js';
import { ApiKeyRepository } from '../modules/api-key/api-key.repository.js';
import { DEFAULT_PROJECT, OperatorKeys } from '../modules/api-key/operator-keys.js';
import { parseKey } from '../modules/api-key/secret.js';
import { withDatabase } from './support/database.js';
import { showOnce } from './support/show-once.js';

const DAY_MS = 86_400_000;

export function keyCommand(): Command {
  const key = new Command('key').description('make, list and revoke API keys');
  key
    .command('create')
    .description('make a key; it is shown this once')
    .requiredOption('--name <name>', 'what it is for', nameOf('--name'))
    .addOption(new Option('--role <role>', 'what it may do').choices(ROLES).default('OPERATOR'))
    .option('--project <name>', 'made where there is none of this name', nameOf('--project'), DEFAULT_PROJECT)
    .option('--days <days>', 'after which it expires; by default it never does', readDays)
    .action(async ({ name, role, project, days }: { name: string; role: Role; project: string; days?: number }) => {
      const expiresAt = days === undefined ? {} : { expiresAt: new Date(Date.now() + days * DAY_MS) };
      const made = await withKeys((keys) => keys.create({ name, role, project, ...expiresAt }));
      await showOnce(made, `revoke ${parseKey(made)?.prefix} and make another`);
    });
  key
    .command('list')
    .description('the keys by their public prefixes')
    .action(async () => {
      const day = (date: Date | null) => date?.toISOString().slice(0, 10) ?? '-';
      const rows = await withKeys((keys) => keys.list());
      if (rows.length === 0) console.error('There are no keys yet.');
      for (const row of rows) {
        const state = row.revokedAt ? `revoked ${day(row.revokedAt)}` : `expires ${day(row.expiresAt)}`;
        console.log(
          [
            row.prefix,
            row.role.padEnd(8),
            state,
            `last used ${day(row.lastUsedAt)}`,
            row.name,
            `(${row.project.name})`,
          ].join('  '),
        );
      }
    });
  key
    .command('revoke')
    .description('stop a key from working, within seconds')
    .argument('<prefix>', 'the part after thk_')
    .action(async (prefix: string) => {
      await withKeys((keys) => keys.revoke(prefix));
      console.log(`Key ${prefix} is revoked.`);
    });
  return key;
}

const nameOf =
  (option: string) =>
  (text: string): string => {
    if (/^(?!\s*$)[^\r\n]{1,200}$/.test(text)) return text.trim();
    throw new TeddyhubError('INVALID_INPUT', `${option} takes 1 to 200 characters on one line.`);
  };

/** A hundred years: dates end some day. */
const MAX_DAYS = 36_525;

function readDays(text: string): number {
  const days = Number(text);
  if (Number.isInteger(days) && days > 0 && days <= MAX_DAYS) return days;
  throw new TeddyhubError('INVALID_INPUT', `--days: ${text} is not a whole number of days from 1 to ${MAX_DAYS}.`);
}

const withKeys = <T>(work: (keys: OperatorKeys) => Promise<T>): Promise<T> =>
  withDatabase((database) => work(new OperatorKeys(new ApiKeyRepository(database))));
