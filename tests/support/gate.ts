/** Holds up a write of somebody else for as long as a test needs it to be under way. */
import pg from 'pg';
import type { World } from './world.js';

/** Nobody else's advisory lock. */
const LOCK = 4_711;

export interface Gate {
  /** From now on a write waits here, its locks held; answers what lets it pass. */
  close(): Promise<() => Promise<void>>;
  open(): Promise<void>;
  isSomeoneWaiting(): Promise<boolean>;
}

/** A gate, open at first, before every update of the table for which the SQL condition holds. */
export async function createGate(
  { database, databaseUrl }: World,
  { table, when }: { table: string; when: string },
): Promise<Gate> {
  await database.$executeRawUnsafe(`CREATE FUNCTION "passGate"() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_advisory_xact_lock_shared(${LOCK}); RETURN NEW; END $$`);
  await database.$executeRawUnsafe(`CREATE TRIGGER "passGate" BEFORE UPDATE ON "${table}" FOR EACH ROW
    WHEN (${when}) EXECUTE FUNCTION "passGate"()`);
  /** Holds the gate closed. */
  let keeper: pg.Client | undefined;
  const open = async () => {
    const leaving = keeper;
    keeper = undefined;
    await leaving?.end();
  };
  return {
    async close() {
      keeper = new pg.Client({ connectionString: databaseUrl });
      // A server that stops opens the gate.
      keeper.on('error', () => undefined);
      await keeper.connect();
      await keeper.query(`SELECT pg_advisory_lock(${LOCK})`);
      return open;
    },
    open,
    async isSomeoneWaiting() {
      const [found] = await database.$queryRaw<{ waiting: boolean }[]>`
        SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
          WHERE locktype = 'advisory' AND objid = ${LOCK}::oid AND NOT granted AND datname = current_database()) AS waiting`;
      return found?.waiting === true;
    },
  };
}
