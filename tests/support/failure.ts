import { TeddyhubError } from '../../src/domain/errors.js';

/** For assert.rejects and assert.throws: a failure of this code whose message has this text. */
export const failureWith = (code: string, text: string) => (error: unknown) =>
  error instanceof TeddyhubError &&
  error.code === code &&
  !error.message.includes('\n') &&
  error.message.includes(text);
