import assert from 'node:assert/strict';
import { TeddyhubError } from '../../src/domain/errors.js';

/** For assert.rejects and assert.throws: a failure of this code in one line, with these words in it. */
export const failureWith = (code: string, words: string | RegExp) => (error: unknown) => {
  assert.ok(error instanceof TeddyhubError, String(error));
  assert.equal(error.code, code, error.message);
  assert.doesNotMatch(error.message, /\n/);
  if (typeof words === 'string') assert.ok(error.message.includes(words), error.message);
  else assert.match(error.message, words);
  return true;
};
