/** `<state folder>/service-url`: where the embedded service answers, which takes another port where its own is in use. */
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const fileOf = (stateDir: string): string => join(stateDir, 'service-url');

export const leaveServiceUrl = (stateDir: string, url: string): Promise<void> =>
  writeFile(fileOf(stateDir), `${url}\n`);

export const removeServiceUrl = (stateDir: string): Promise<void> => rm(fileOf(stateDir), { force: true });

/** Undefined where no service runs. One that was killed leaves a URL at which it no longer answers. */
export function readServiceUrl(stateDir: string): string | undefined {
  try {
    const url = readFileSync(fileOf(stateDir), 'utf8').trim();
    return URL.canParse(url) ? url : undefined;
  } catch {
    return undefined;
  }
}
