/** Ctrl-C and SIGTERM stop a command in order; a second one stops it at once. */
import { constants } from 'node:os';

/** One Ctrl-C may arrive twice: from the terminal's group, and passed on by npm. */
const SAME_SIGNAL_MS = 1_000;

/**
 * Calls `onStop` once, at the first signal, and then ends the process with the status a shell expects of that signal. The
 * answer tells whether that has begun: what fails from then on fails because of it.
 */
export function onStopSignal(onStop: () => Promise<void>): { readonly begun: boolean } {
  let stopping = false;
  let since = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      const status = 128 + constants.signals[signal];
      if (stopping && performance.now() - since > SAME_SIGNAL_MS) process.exit(status);
      if (stopping) return;
      stopping = true;
      since = performance.now();
      onStop().then(
        () => process.exit(signal === 'SIGTERM' ? 0 : status),
        () => process.exit(1),
      );
    });
  }
  return {
    get begun() {
      return stopping;
    },
  };
}
