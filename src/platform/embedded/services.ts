/**
 * `<state folder>/services/<pid>-<born>`: where each service of the folder answers, which takes another port where its own is in
 * use. One that was killed leaves its file, which is known by its process: on its port may by now listen anybody.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, self } from './process.js';

const folderOf = (stateDir: string): string => join(stateDir, 'services');

/** Leaves the URL of this process' service, until the function that is returned is called. */
export function leaveServiceUrl(stateDir: string, url: string): () => void {
  const folder = folderOf(stateDir);
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) if (!isOfLiving(name)) rmSync(join(folder, name), { force: true });
  const { pid, born } = self();
  const path = join(folder, `${pid}-${born}`);
  writeFileSync(path, `${url}\n`);
  return () => rmSync(path, { force: true });
}

/** Of the services of the folder that are alive, the longest running first. */
export function readServiceUrls(stateDir: string): string[] {
  const folder = folderOf(stateDir);
  try {
    return readdirSync(folder)
      .filter(isOfLiving)
      .map((name) => join(folder, name))
      .sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs)
      .map((path) => readFileSync(path, 'utf8').trim())
      .filter((url) => URL.canParse(url));
  } catch {
    // None was ever started here, or one has just ended.
    return [];
  }
}

function isOfLiving(name: string): boolean {
  const [pid = '', born = ''] = name.split('-');
  return Number(pid) > 0 && isAlive({ pid: Number(pid), born });
}
