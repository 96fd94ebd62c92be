/** The `teddyhub` command. Every failure that has a name ends in its own line and status 1. */
import { Command } from 'commander';
import { TeddyhubError, toFailure } from '../domain/errors.js';
import { printable } from './support/printable.js';

const COMMANDS: Record<string, () => Promise<Command>> = {
  up: async () => (await import('./up.js')).upCommand(),
  api: async () => (await import('./serve.js')).apiCommand(),
  worker: async () => (await import('./serve.js')).workerCommand(),
  key: async () => (await import('./key.js')).keyCommand(),
  datasets: async () => (await import('./datasets.js')).datasetsCommand(),
  sets: async () => (await import('./sets.js')).setsCommand(),
  pull: async () => (await import('./pull.js')).pullCommand(),
  verify: async () => (await import('./verify.js')).verifyCommand(),
  export: async () => (await import('./export.js')).exportCommand(),
  gc: async () => (await import('./gc.js')).gcCommand(),
  quickstart: async () => (await import('./quickstart.js')).quickstartCommand(),
  doctor: async () => (await import('./doctor.js')).doctorCommand(),
};

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('teddyhub').description('A data platform for dataset distillation.').version('0.1.0');
  // Only what is asked for is loaded: `pull` needs no GraphQL, `doctor` no database.
  const wanted = argv.slice(2).find((word) => Object.hasOwn(COMMANDS, word));
  const names = wanted === undefined ? Object.keys(COMMANDS) : [wanted];
  for (const name of names) program.addCommand(await COMMANDS[name]!());
  await program.parseAsync([...argv]);
}

// Whoever reads the output may stop before its end, as `head` does: a download goes on all the same.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') return;
    const isFirst = process.exitCode !== 1;
    process.exitCode = 1;
    // Others who listen say it themselves.
    if (isFirst && stream === process.stdout && stream.listenerCount('error') === 1) {
      console.error(`teddyhub: The output could not be written (${printable(message)}).`);
    }
  });
}

main(process.argv).catch((error: unknown) => {
  const failure = toFailure(error);
  const lines = failure.code === 'INTERNAL' && error instanceof Error ? error.message : failure.message;
  for (const line of lines.split('\n')) console.error(`teddyhub: ${printable(line)}`);
  if (process.env.TEDDYHUB_DEBUG === '1' && !(error instanceof TeddyhubError)) console.error(error);
  process.exit(1);
});
