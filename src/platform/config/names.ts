/** Every name of the environment that begins with TEDDYHUB_ and is read somewhere, so that a misspelt one can be told. */
import { CONFIGURATION } from './env.js';

const ELSEWHERE = [
  // Clients of a service.
  'TEDDYHUB_URL',
  'TEDDYHUB_KEY',
  // Set-up: scripts/bootstrap. The Python client keeps its sets in the same folder.
  'TEDDYHUB_CACHE',
  'TEDDYHUB_TENSORFLOW',
  // docker-compose.yml.
  'TEDDYHUB_IMPORTS',
  // Whoever looks for a fault.
  'TEDDYHUB_DEBUG',
];
/** What the tests and checks tell each other. */
const OF_TESTS = /^TEDDYHUB_(TEST|PYTORCH)_/;

export const unknownNames = (env: NodeJS.ProcessEnv): string[] =>
  Object.keys(env).filter(
    (name) => name.startsWith('TEDDYHUB_') && ![...CONFIGURATION, ...ELSEWHERE].includes(name) && !OF_TESTS.test(name),
  );
