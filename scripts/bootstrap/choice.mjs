/** Which TensorFlow: TEDDYHUB_TENSORFLOW, or what this checkout was last set up with. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from './files.mjs';

/** Not among the stamps: `npm ci` removes those, and must not turn a GPU service into one on the CPU. */
const pathOf = ({ state }) => join(state, 'tensorflow');

export const tensorflowChoice = (paths, env) => env.TEDDYHUB_TENSORFLOW || remembered(paths) || 'cpu';

export const rememberChoice = (paths, choice) => writeWhole(pathOf(paths), `${choice}\n`);

function remembered(paths) {
  try {
    return readFileSync(pathOf(paths), 'utf8').trim();
  } catch {
    return undefined;
  }
}
