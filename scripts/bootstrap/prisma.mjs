/** The typed database client that prisma/schema.prisma describes. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { run } from './command.mjs';
import { digest, digestOfTree, readStamp, removeStamp, writeStamp } from './files.mjs';

const OUTPUT = 'src/platform/database/generated/client.ts';

export const prisma = {
  name: 'prisma',
  title: 'Prisma client',
  isDone: (paths) => readStamp(paths, 'prisma') === keyOf(paths) && existsSync(join(paths.root, OUTPUT)),
  // What is generated is built next.
  require: (paths) => build.require(paths),
  run: async (paths) => {
    const cli = join(paths.modules, 'prisma/build/index.js');
    // What an interruption leaves is nobody's client.
    removeStamp(paths, 'prisma');
    await run(paths, paths.node, [cli, 'generate'], {
      tool: 'prisma',
      task: 'prisma generate',
      // Any file that exists keeps the CLI from downloading an engine that generating does not use.
      env: { PRISMA_SCHEMA_ENGINE_BINARY: paths.node, CHECKPOINT_DISABLE: '1', PRISMA_HIDE_UPDATE_MESSAGE: '1' },
    });
    writeStamp(paths, 'prisma', keyOf(paths));
  },
};

function keyOf({ root, modules }) {
  const version = readFileSync(join(modules, 'prisma/package.json'));
  return digest(digestOfTree(root, ['prisma/schema.prisma', 'prisma.config.ts']), version);
}
