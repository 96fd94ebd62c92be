/** Publishing a set, however large it is. */
import {
  ApiError,
  operations,
  type PublishDistilledSetMutation,
  type Teddyhub,
} from '../../../clients/typescript/src/index.js';

/**
 * The service reads the whole set first, which may take longer than `fetch`, or a proxy in between, waits for an answer: asked
 * again, it goes on with the same reading. Throws ApiError, UserErrors.
 */
export async function publishSet(
  client: Pick<Teddyhub, 'mutate'>,
  id: string,
): Promise<PublishDistilledSetMutation['distilledSetPublish']['distilledSet']> {
  for (;;) {
    const began = performance.now();
    try {
      return (await client.mutate(operations.PublishDistilledSet, { id })).distilledSet;
    } catch (error) {
      if (!isOnlySlow(error) || performance.now() - began < SOON_MS) throw error;
    }
  }
}

/** A proxy that gives up sooner has nobody to wait for. */
const SOON_MS = 1_000;

const isOnlySlow = (error: unknown): boolean =>
  error instanceof ApiError &&
  error.code === 'UNREACHABLE' &&
  /UND_ERR_HEADERS_TIMEOUT|answers 504/.test(error.message);
