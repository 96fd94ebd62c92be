/** Who is alive: a process id alone may have been given to somebody else, so it goes with its time of birth. */
import { readFileSync, readlinkSync } from 'node:fs';

export interface ProcessIdentity {
  pid: number;
  /** Clock ticks since boot, or '' where the system has no /proc. */
  born: string;
}

export const self = (): ProcessIdentity => ({ pid: process.pid, born: bornAt(process.pid) });

export const isAlive = ({ pid, born }: ProcessIdentity): boolean => isRunning(pid) && bornAt(pid) === born;

/** True unless the process is gone or waits, dead, for its parent to notice (a zombie still answers signal 0). */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return statOf(pid)?.[0] !== 'Z';
}

/** The name of the executable, or undefined where that cannot be told. */
export function commandOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** The working directory; undefined where that cannot be told: in a container, root may not know it of another account's. */
export function folderOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

const bornAt = (pid: number): string => statOf(pid)?.[19] ?? '';

/** The fields of /proc/<pid>/stat after the command's name, which may itself hold spaces and brackets. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
