/** What can go wrong on somebody's machine, each in one line that says what to do. */

/** Its message is all that is shown. */
export class SetupFailure extends Error {}

const FULL_DISK = /ENOSPC|EDQUOT|EFBIG|No space left on device|Disk quota exceeded|File too large/;
const NO_NETWORK =
  /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|ProtocolError|Connection refused|Temporary failure in name resolution|Network is unreachable|from versions: none/;

/** The failure of `tool` (what it was doing: `task`) that its output tells of. */
export function failureOf(tool, task, output, log) {
  if (FULL_DISK.test(output)) return fullDisk(task);
  if (NO_NETWORK.test(output)) {
    return new SetupFailure(
      `${tool} cannot reach the package registry (${task}): check the network or proxy, then run again.`,
    );
  }
  return new SetupFailure(`${task} failed: ${firstError(output)} (all of it: ${log})`);
}

export const fullDisk = (task) => new SetupFailure(`The disk is full (${task}): free some space, then run again.`);

/** One line for anything a step threw; undefined for a fault of our own, which deserves its stack. */
export function lineOf(error) {
  if (error instanceof SetupFailure) return error.message;
  if (FULL_DISK.test(error?.code ?? '')) return fullDisk(error.path ?? error.syscall ?? 'writing').message;
  // Of a folder on a read-only file system Node says ENOENT, below a file ENOTDIR, and in place of one EEXIST.
  const isNoFolder = error?.syscall === 'mkdir' && ['ENOENT', 'ENOTDIR', 'EEXIST'].includes(error.code);
  if (isNoFolder || ['EACCES', 'EPERM', 'EROFS'].includes(error?.code)) {
    return `${error.path ?? 'A folder'} cannot be written (${error.code}): fix its permissions, or set TEDDYHUB_CACHE.`;
  }
  return undefined;
}

function firstError(output) {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const line = lines.find((text) => /\berror\b/i.test(text) && !/^npm (error|ERR!) (code|A complete log)/.test(text));
  return (line ?? lines.at(-1) ?? 'no output').slice(0, 300);
}
