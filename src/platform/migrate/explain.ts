/** Turns what the schema engine throws into one line that says what to do. */
import type { ErrorRegistry } from '@prisma/driver-adapter-utils';
import { TeddyhubError } from '../../domain/errors.js';
import {
  hindranceOf,
  hostRefused,
  isHostRefused,
  loginRefused,
  noDatabaseAnswers,
  noSuchDatabase,
} from '../database/failures.js';

export interface EngineRecords {
  /** Errors of the driver that passed through the engine as a number. */
  thrown: ErrorRegistry;
  /** The last error of the driver: the engine makes a text of it, without its SQLSTATE. */
  last: unknown;
  /** Message of a panic inside the engine. */
  panic: string | undefined;
}

export function explain(error: unknown, url: string, records: EngineRecords): Error {
  if (error instanceof TeddyhubError) return error;
  if (records.panic !== undefined) {
    return new TeddyhubError('INTERNAL', `The schema engine broke off: ${oneLine(records.panic)}`, { cause: error });
  }
  const hindrance = hindranceOf(records.last, url);
  if (hindrance !== undefined) return hindrance;
  const message = oneLine(messageOf(error, records));
  const failed = error instanceof Error ? /migration_name="(\w+)"/.exec(error.message)?.[1] : undefined;
  const options = { cause: error };
  if (message.startsWith("Can't reach")) return noDatabaseAnswers(url, error);
  if (/^Database .* does not exist/.test(message)) return noSuchDatabase(url, error);
  if (isHostRefused(records.last)) return hostRefused(url, error);
  if (/^(Authentication failed|User was denied access)/.test(message)) return loginRefused(url, error);
  if (/failed migrations|P3009/.test(message)) {
    const name = /`(\d{14}_\w+)`/.exec(message)?.[1] ?? '<name>';
    const hint = `fix it, then run: node scripts/migrate.mjs resolve ${name}`;
    return new TeddyhubError(
      'INVALID_STATE',
      `The migration ${name} failed before and blocks the others: ${hint}`,
      options,
    );
  }
  if (failed !== undefined) {
    const said = message.replace(/^.*?(ERROR: )/, '');
    const hint = /already exists/.test(said)
      ? `; where all that it makes is there, run: node scripts/migrate.mjs resolve --applied ${failed}`
      : '';
    const what = `The migration ${failed} failed and was rolled back: ${said}${hint}`;
    return new TeddyhubError('INVALID_STATE', what, options);
  }
  return new TeddyhubError('INVALID_STATE', message, options);
}

/** An error of the driver comes out of the engine as the number under which it was put by. */
function messageOf(error: unknown, { thrown }: EngineRecords): string {
  const message = error instanceof Error ? error.message : String(error);
  const id = /External error id#(\d+)/.exec(message)?.[1];
  const original = id === undefined ? undefined : thrown.consumeError(Number(id))?.error;
  return original instanceof Error ? original.message : message;
}

/** Without the engine's own stack ("0: schema_engine::...") and line breaks. */
const oneLine = (message: string): string =>
  message
    .split(/\n\s*0: /)[0]!
    .replace(/\s+/g, ' ')
    .trim();
