/** Folders that go with the command that made them, also where it is interrupted. */
import { rmSync } from 'node:fs';

/** How shells tell what ended a command: 128 and the number of the signal. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Runs `work`, and removes `folder` after it, whatever becomes of it. */
export async function withScratch<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const remove = () => {
    try {
      // Files that are being written this moment may come up in a folder that is emptied already.
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    } catch {
      // It is below what is no folder: nothing of ours is there.
    }
  };
  // One signal ends all folders that there are, each by its own listener.
  process.once('exit', remove);
  const interrupted = (signal: NodeJS.Signals) => process.exit(SIGNALS[signal as keyof typeof SIGNALS]);
  for (const signal of Object.keys(SIGNALS)) process.once(signal, interrupted);
  try {
    return await work();
  } finally {
    for (const signal of Object.keys(SIGNALS)) process.removeListener(signal, interrupted);
    process.removeListener('exit', remove);
    remove();
  }
}
