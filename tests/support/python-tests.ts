/** The tests of a folder of clients/python, as tests of this process: one for each of pytest's. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { openClientWorld } from './client-world.js';
import { runPytest } from './python.js';

/** `python`: another interpreter than the system's with the packages that set-up installs. */
export function pythonTests(what: string, folder: string, python?: string): void {
  describe(what, () => {
    it('holds under its own tests, against a real API', async (context: TestContext) => {
      const world = await openClientWorld();
      try {
        const results = await runPytest(folder, world.context, python);
        assert.ok(results.length > 0, 'there are no tests');
        for (const { name, outcome, message } of results) {
          await context.test(name, (inner) => {
            if (outcome === 'skipped') inner.skip(message);
            assert.notEqual(outcome, 'failed', message);
          });
        }
      } finally {
        await world.close();
      }
    });
  });
}
