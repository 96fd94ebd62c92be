import { TeddyhubError } from '../../domain/errors.js';

/**
 * Prints what cannot be shown again. `console.log` keeps quiet where a disk is full or a pipe is closed, and a secret that nobody
 * has read would stay valid. Throws UNAVAILABLE with `advice` on what to do about it.
 */
export async function showOnce(text: string, advice: string): Promise<void> {
  const { stdout } = process;
  // Without a listener the same error ends the process as well.
  stdout.once('error', () => {});
  const error = await new Promise<NodeJS.ErrnoException | null | undefined>((resolve) => {
    stdout.write(`${text}\n`, resolve);
  });
  if (error)
    throw new TeddyhubError('UNAVAILABLE', `It could not be written (${error.code ?? error.message}): ${advice}.`);
}
