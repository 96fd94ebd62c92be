/** Prisma's schema engine, run as WebAssembly: its native binary cannot be had on every machine. */
import { readFile } from 'node:fs/promises';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import type { SchemaEngine } from '@prisma/schema-engine-wasm';
import { migrationAdapter } from './adapter.js';
import { type EngineRecords, explain } from './explain.js';

/** Runs `work` with an engine on the database at `url`; what goes wrong is thrown as one readable line. */
export async function withEngine<T>(url: string, work: (engine: SchemaEngine) => Promise<T>): Promise<T> {
  const connections = migrationAdapter(url, (error) => {
    records.last = error;
  });
  const adapter = bindMigrationAwareSqlAdapterFactory(connections);
  const records: EngineRecords = { thrown: adapter.errorRegistry, last: undefined, panic: undefined };
  // The engine reports a Rust panic to this global, and without it dies of the report instead of the panic.
  Object.assign(globalThis, {
    PRISMA_WASM_PANIC_REGISTRY: {
      set_message: (message: string) => {
        records.panic = message;
      },
    },
  });
  let engine: SchemaEngine | undefined;
  try {
    const { SchemaEngine } = await loadEngine();
    engine = await SchemaEngine.new({ datamodels: undefined }, () => {}, adapter);
    return await work(engine);
  } catch (error) {
    throw explain(error, url, records);
  } finally {
    if (records.panic === undefined) engine?.free();
    await connections.close();
  }
}

/** Of lib.dom, which a program without a page has no other use for. */
declare const WebAssembly: {
  instantiate(
    bytes: Uint8Array,
    imports: Record<string, object>,
  ): Promise<{ instance: { exports: { __wbindgen_start(): void } } }>;
};

type EngineModule = typeof import('@prisma/schema-engine-wasm/schema_engine_bg');
let loaded: Promise<EngineModule> | undefined;

/** The package's own entry imports the .wasm file as a module, which Node does not do by itself. */
function loadEngine(): Promise<EngineModule> {
  loaded ??= instantiate();
  return loaded;
}

async function instantiate(): Promise<EngineModule> {
  const glue = await import('@prisma/schema-engine-wasm/schema_engine_bg');
  const location = new URL('schema_engine_bg.wasm', import.meta.resolve('@prisma/schema-engine-wasm/schema_engine_bg'));
  const { instance } = await WebAssembly.instantiate(await readFile(location), {
    './schema_engine_bg.js': { ...glue, ...withoutHolding(glue) },
  });
  glue.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  return glue;
}

/**
 * The engine starts a timer of ten seconds for its advisory lock and leaves it behind: the timers of the glue must not hold
 * a process that has nothing else to do.
 */
function withoutHolding(glue: object): Record<string, (...args: unknown[]) => unknown> {
  const timers = Object.entries(glue).filter(([name]) => name.startsWith('__wbg_setTimeout_')) as [
    string,
    (...args: unknown[]) => unknown,
  ][];
  return Object.fromEntries(
    timers.map(([name, start]) => [
      name,
      (...args: unknown[]) => {
        const timer = start(...args);
        if (timer instanceof Object && 'unref' in timer && typeof timer.unref === 'function') timer.unref();
        return timer;
      },
    ]),
  );
}
