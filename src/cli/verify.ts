/** `teddyhub verify`: whether a pulled set is what its manifest says, file by file. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { TeddyhubError } from '../domain/errors.js';
import type { Manifest } from '../domain/manifest.js';
import { isIntact } from './pull/download.js';
import { readManifest, wantedFiles } from './pull/manifest.js';
import { sizeOf } from './support/size.js';

export function verifyCommand(): Command {
  return new Command('verify')
    .description('check every byte of a pulled set against its manifest')
    .argument('<folder>', 'where `teddyhub pull` put it')
    .option('--json', 'the result as JSON')
    .action(async (folder: string, { json = false }: { json?: boolean }) => {
      const manifest = await readPulledManifest(folder);
      const damaged: string[] = [];
      const files = wantedFiles(manifest);
      for (const file of files) {
        const intact = await isIntact(join(folder, file.path), file);
        if (!intact) damaged.push(file.path);
        if (!json) console.log(`${intact ? 'intact ' : 'DAMAGED'}  ${file.path}  ${sizeOf(file.bytes)}`);
      }
      const { id, digest } = manifest;
      if (json) console.log(JSON.stringify({ id, digest, files: files.length, damaged }));
      else if (damaged.length === 0) console.log(`${manifest.name}: all ${files.length} files are intact; ${digest}`);
      if (damaged.length === 0) return;
      const message = `${damaged.length} of ${files.length} files in ${folder} are missing or damaged: pull the set again.`;
      throw new TeddyhubError('OBJECT_CORRUPT', message);
    });
}

/** Throws INVALID_INPUT where there is no manifest, OBJECT_CORRUPT where it is not what its digest says. */
export async function readPulledManifest(folder: string): Promise<Manifest> {
  const bytes = await readFile(join(folder, 'manifest.json')).catch((cause: unknown) => {
    const message = `${resolve(folder)} holds no manifest.json: name a folder that teddyhub pull made.`;
    throw new TeddyhubError('INVALID_INPUT', message, { cause });
  });
  try {
    return readManifest(bytes);
  } catch (error) {
    if (!(error instanceof TeddyhubError) || error.code !== 'OBJECT_CORRUPT') throw error;
    const message = `${join(folder, 'manifest.json')} is damaged: pull the set again.`;
    throw new TeddyhubError('OBJECT_CORRUPT', message, { cause: error });
  }
}
