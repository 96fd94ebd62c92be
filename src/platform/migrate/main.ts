/** `scripts/migrate.mjs`: create, deploy, status, check and resolve, on DATABASE_URL or the embedded database. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { TeddyhubError } from '../../domain/errors.js';
import { isOfOtherSchema, OTHER_SCHEMA } from '../database/schema.js';
import { startEmbeddedStack } from '../embedded/stack.js';
import {
  checkMigrations,
  createMigration,
  deployMigrations,
  migrationStatus,
  resolveApplied,
  resolveRolledBack,
} from './migrations.js';

const USAGE = `Usage: node scripts/migrate.mjs <command>

  create <name>    write the migration from the last one to prisma/schema.prisma
  deploy           apply what is pending
  status           show what is pending, failed, edited or unknown (exit 1 if anything is)
  check            replay the migrations and compare them with prisma/schema.prisma (exit 1 if they differ)
  resolve <name>   forget a failed migration that was rolled back, so that deploy tries it again;
                   --applied: take it for applied, as all that it makes is there

The database is DATABASE_URL, or else the embedded one under .teddyhub (TEDDYHUB_STATE_DIR).`;

/** Each command returns its exit status. */
const commands: Record<string, (url: string, name: string, applied: boolean) => Promise<number>> = {
  create: async (url, name) => {
    const folder = await createMigration(url, name);
    console.log(folder ?? 'Nothing to do: the migrations lead to schema.prisma already.');
    return 0;
  },
  deploy: async (url) => {
    const applied = await deployMigrations(url);
    console.log(applied.length === 0 ? 'Nothing to do.' : applied.map((name) => `Applied ${name}`).join('\n'));
    return 0;
  },
  status: async (url) => {
    const problems = Object.entries(await migrationStatus(url)).flatMap(([state, names]) =>
      (names as string[]).map((name) => `${state}: ${name}`),
    );
    console.log(problems.length === 0 ? 'The database is up to date.' : problems.join('\n'));
    return problems.length === 0 ? 0 : 1;
  },
  check: async (url) => {
    const difference = await checkMigrations(url);
    console.log(difference ?? 'The migrations and schema.prisma agree.');
    return difference === undefined ? 0 : 1;
  },
  resolve: async (url, name, applied) => {
    if (applied) {
      await resolveApplied(url, name);
      console.log(`${name} counts as applied.`);
      return 0;
    }
    await resolveRolledBack(url, name);
    console.log(`${name} will be tried again by the next deploy.`);
    return 0;
  },
};

/** Throws BAD_CONFIGURATION. */
function argumentsOf(args: string[]) {
  const options = { help: { type: 'boolean' }, applied: { type: 'boolean', default: false } } as const;
  try {
    return parseArgs({ args, allowPositionals: true, options });
  } catch (error) {
    const problem = (error as Error).message.split(/\.\s/)[0];
    throw new TeddyhubError('BAD_CONFIGURATION', `${problem}: see node scripts/migrate.mjs --help.`);
  }
}

async function main(args: string[]): Promise<number> {
  const { positionals, values } = argumentsOf(args);
  const [name = '', operand = ''] = positionals;
  const command = commands[name];
  if (values.help === true || command === undefined || (['create', 'resolve'].includes(name) && operand === '')) {
    console.log(USAGE);
    return values.help === true ? 0 : 2;
  }
  const url = process.env.DATABASE_URL;
  if (url !== undefined && url !== '') {
    if (!URL.canParse(url)) {
      const problem = 'is no URL: in its password, / # ? and @ are written as %2F %23 %3F and %40.';
      throw new TeddyhubError('BAD_CONFIGURATION', `DATABASE_URL ${problem}`);
    }
    if (isOfOtherSchema(url)) throw new TeddyhubError('BAD_CONFIGURATION', `DATABASE_URL: ${OTHER_SCHEMA}.`);
    return command(url, operand, values.applied);
  }
  const stack = await startEmbeddedStack({ stateDir: resolve(process.env.TEDDYHUB_STATE_DIR || '.teddyhub') });
  try {
    return await command(stack.databaseUrl, operand, values.applied);
  } finally {
    await stack.stop();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof TeddyhubError)) throw error;
  console.error(`migrate: ${error.message}`);
  process.exitCode = 1;
}
