/** The embedded stack of a service: its database is started again where it died, as of a lack of memory or a disk that was full. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Log } from '../log.js';
import { createRepetition } from '../repetition.js';
import { type EmbeddedStack, startEmbeddedStack } from './stack.js';

const LOOK_MS = 2_000;

export async function keepEmbeddedStack(
  options: { stateDir: string; workers: number },
  log: Log,
): Promise<Pick<EmbeddedStack, 'databaseUrl' | 'stop'>> {
  let stack = await startEmbeddedStack(options);
  const { databaseUrl } = stack;
  const stopping = new AbortController();
  const isNews = createRepetition();
  const restart = async () => {
    const dead = stack;
    stack = await startEmbeddedStack(options);
    await dead.stop();
    if (stack.databaseUrl === databaseUrl) log.warn('the database had ended and was started again');
    else log.error('the database had ended and was started again on another port: start the service again');
  };
  const keeping = (async () => {
    while (!stopping.signal.aborted) {
      await wait(LOOK_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted || stack.isRunning()) continue;
      await restart().catch((error: unknown) => {
        if (isNews(String(error))) log.error({ reason: String(error) }, 'the database has ended and does not start');
      });
    }
  })();
  return {
    databaseUrl,
    async stop() {
      stopping.abort();
      await keeping;
      await stack.stop();
    },
  };
}
