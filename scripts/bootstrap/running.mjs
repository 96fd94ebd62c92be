/** Who runs from this checkout: packages, TensorFlow and the build must not be replaced under a living process. */
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { SetupFailure } from './failure.mjs';

/** Throws where somebody runs from what a step would replace, of which `what` says why it would. */
export function refuseUnderLiving(paths, what, todo = 'stop it first') {
  const [running] = runningFrom(paths.node);
  if (running === undefined) return;
  throw new SetupFailure(
    `${what}, and process ${running.pid} runs from what would be replaced (${running.command}): ${todo}.`,
  );
}

/**
 * The processes on the pinned Node of this checkout, services, workers and benchmarks alike, but for this one and those that it was
 * started by: [{ pid, command }]. None where the system has no /proc.
 */
function runningFrom(node) {
  const program = quietly(() => realpathSync(node));
  if (program === undefined) return [];
  const own = ancestors();
  return (
    (quietly(() => readdirSync('/proc')) ?? [])
      .filter((name) => /^\d+$/.test(name) && !own.has(name))
      .filter((pid) => quietly(() => readlinkSync(`/proc/${pid}/exe`)) === program)
      .map((pid) => ({ pid, command: commandOf(pid) }))
      // Another set-up, which waits for this one.
      .filter(({ command }) => !command.includes('bootstrap.mjs'))
  );
}

/** What it runs, without Node and its options. */
function commandOf(pid) {
  const words = (quietly(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '').split('\0').filter(Boolean);
  const script = words.slice(1).findIndex((word) => !word.startsWith('-'));
  return words.slice(1 + Math.max(0, script)).join(' ');
}

function ancestors() {
  const own = new Set();
  for (let pid = String(process.pid); pid !== undefined && pid !== '0' && !own.has(pid); ) {
    own.add(pid);
    const of = pid;
    pid = quietly(
      () =>
        readFileSync(`/proc/${of}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ')[1],
    );
  }
  return own;
}

/** Processes end while they are looked at. */
function quietly(look) {
  try {
    return look();
  } catch {
    return undefined;
  }
}
