/** Files of root's that the database's own account must reach, whatever root's umask leaves to others. */
import { chmodSync, cpSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = 0o755;

/** Makes a folder, where it is not there, that everybody may enter and read. */
export function makeSharedFolder(path: string): void {
  mkdirSync(path, { recursive: true });
  share(path, FOLDER);
}

/** Copies a folder for everybody to read, and to run what its owner may run. */
export function copyShared(from: string, to: string): void {
  cpSync(from, to, { recursive: true, verbatimSymlinks: true });
  shareAll(to);
}

export function shareAll(folder: string): void {
  share(folder, FOLDER);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) shareAll(path);
    else if (entry.isFile()) share(path, (lstatSync(path).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}

/** Only where it is needed: not every file system has modes to change. */
function share(path: string, bits: number): void {
  const mode = lstatSync(path).mode & 0o7777;
  if ((mode & bits) !== bits) chmodSync(path, mode | bits);
}
