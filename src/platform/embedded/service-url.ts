/** `<state folder>/service-url`: where the embedded service answers, which takes another port where its own is in use. */
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const fileOf = (stateDir: string): string => join(stateDir, 'service-url');

/** Leaves the URL for as long as the service runs, but for where another one that runs has left its own. */
export async function leaveServiceUrl(stateDir: string, url: string): Promise<() => Promise<void>> {
  const other = readServiceUrl(stateDir);
  const isTaken = other !== undefined && other !== url && (await answers(other));
  if (!isTaken) await writeFile(fileOf(stateDir), `${url}\n`);
  return async () => {
    if (readServiceUrl(stateDir) === url) await rm(fileOf(stateDir), { force: true });
  };
}

const answers = (url: string): Promise<boolean> =>
  fetch(`${url}/livez`, { signal: AbortSignal.timeout(1000) }).then(
    ({ ok }) => ok,
    () => false,
  );

/** Undefined where no service runs. One that was killed leaves a URL at which it no longer answers. */
export function readServiceUrl(stateDir: string): string | undefined {
  try {
    const url = readFileSync(fileOf(stateDir), 'utf8').trim();
    return URL.canParse(url) ? url : undefined;
  } catch {
    return undefined;
  }
}
