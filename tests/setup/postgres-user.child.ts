/** Uses the server of the folder it is given until it is told to stop. */
import { startEmbeddedPostgres } from '../../src/platform/embedded/postgres.js';

const server = await startEmbeddedPostgres({ dataDir: process.argv[2] ?? '', fast: true });
process.once('message', () => {
  void server.stop().then(() => process.exit());
});
process.send?.(server.pid);
