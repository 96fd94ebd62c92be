/**
 * Prisma's own PostgreSQL adapter, corrected where the schema engine would come to grief with it: shadow databases, scripts
 * of several statements, and the type "char". docs/decisions/0006-migrations.md has the reasons.
 */
import { randomUUID } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import {
  ColumnTypeEnum,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
  type SqlQuery,
  type SqlResultSet,
} from '@prisma/driver-adapter-utils';
import pg from 'pg';

/** The type of system catalogues' one-byte flags, which the adapter cannot read. */
const CHAR_OID = 18;

/** An adapter factory for the schema engine over the database at `url`, whose errors `onError` hears; `close` ends what the engine left open. */
export function migrationAdapter(
  url: string,
  onError: (error: unknown) => void = () => {},
): SqlMigrationAwareDriverAdapterFactory & { close(): Promise<void> } {
  const open: SqlDriverAdapter[] = [];
  const kept = async (adapter: Promise<SqlDriverAdapter>) => {
    open.push(await adapter);
    return adapter;
  };
  return {
    provider: 'postgres',
    adapterName: '@prisma/adapter-pg',
    connect: () => kept(connect(url, { marksEnd: true, onError })),
    connectToShadowDb: () => kept(connectToShadow(url)),
    close: async () => {
      for (const adapter of open) await adapter.dispose();
    },
  };
}

interface ConnectionOptions {
  /** Whether scripts are migrations, whose rows they end. */
  marksEnd?: boolean;
  onError?: (error: unknown) => void;
  onClose?: () => Promise<void>;
}

/** One connection: the engine's advisory lock belongs to a session. */
async function connect(
  url: string,
  { marksEnd = false, onError = () => {}, onClose = async () => {} }: ConnectionOptions = {},
): Promise<SqlDriverAdapter> {
  const pool = new pg.Pool({ connectionString: url, max: 1, connectionTimeoutMillis: 10_000 });
  pool.on('error', () => {});
  const charColumns = markCharColumns(pool);
  const adapter = await new PrismaPg(pool).connect();
  const queryRaw = adapter.queryRaw.bind(adapter);
  const heard = (error: unknown): never => {
    onError(error);
    throw error;
  };
  return Object.assign(adapter, {
    queryRaw: async (query: SqlQuery): Promise<SqlResultSet> => {
      const result = await queryRaw(query).catch(heard);
      for (const column of charColumns.get(result.rows) ?? []) {
        result.columnTypes[column] = ColumnTypeEnum.Character;
      }
      return result;
    },
    // Without parameters the server takes the script as one implicit transaction, and it knows where statements end.
    executeScript: async (script: string) => {
      const sql = marksEnd ? `${script}\n;${markEnd}` : script;
      await adapter.executeRaw({ sql, args: [], argTypes: [] }).catch(heard);
    },
    dispose: async () => {
      if (pool.ending) return;
      await pool.end();
      await onClose();
    },
  });
}

/**
 * Ends a migration's row within its own transaction. The engine does so afterwards: a process that died in between would leave a row
 * without an end beside tables that are there, and PostgreSQL goes on with a script whose sender is gone.
 */
const markEnd = `DO $end$ BEGIN
  IF to_regclass('public._prisma_migrations') IS NOT NULL THEN
    UPDATE public._prisma_migrations SET finished_at = now() WHERE finished_at IS NULL AND rolled_back_at IS NULL;
  END IF;
END $end$;`;

/** Lets the adapter read "char" as text, and remembers by the identity of a result's rows which columns those were. */
function markCharColumns(pool: pg.Pool): WeakMap<object, number[]> {
  const charColumns = new WeakMap<object, number[]>();
  const query = pool.query.bind(pool) as (config: pg.QueryArrayConfig) => Promise<pg.QueryArrayResult>;
  Object.assign(pool, {
    query: async (config: pg.QueryArrayConfig) => {
      const result = await query(config);
      // A script of several statements has an array of results, none of which anybody reads.
      if (Array.isArray(result)) return result;
      const chars = result.fields.flatMap((field, index) => (field.dataTypeID === CHAR_OID ? [index] : []));
      for (const index of chars) result.fields[index]!.dataTypeID = pg.types.builtins.BPCHAR;
      charColumns.set(result.rows, chars);
      return result;
    },
  });
  return charColumns;
}

/** A new empty database beside the main one, dropped when the engine lets go of it. */
async function connectToShadow(url: string): Promise<SqlDriverAdapter> {
  const name = `teddyhub_shadow_${randomUUID()}`;
  await once(url, `create database "${name}" template template0`);
  const shadow = new URL(url);
  shadow.pathname = `/${name}`;
  return connect(shadow.href, { onClose: () => once(url, `drop database "${name}" with (force)`) });
}

/** Runs one statement on a connection of its own. */
export async function once(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000, keepAlive: true });
  // A connection that breaks fails the statement as well; unheard, the event would end the process.
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
