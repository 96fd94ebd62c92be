/**
 * The operations of our own clients, by digest. A client may send the digest in place of the text; where only trusted
 * documents are allowed, no other text runs, but for ADMIN keys.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { digestOfText } from '../domain/digest.js';
import { TeddyhubError } from '../domain/errors.js';
import type { Viewer } from '../domain/viewer.js';

const documents = z.record(z.string().regex(/^sha256:[0-9a-f]{64}$/), z.string());

export class TrustedDocuments {
  private constructor(
    private readonly byDigest: ReadonlyMap<string, string>,
    private readonly only: boolean,
  ) {}

  /** `file` is JSON: text by digest. `only`: nothing else runs. Throws BAD_CONFIGURATION. */
  static async load(file: string, only: boolean): Promise<TrustedDocuments> {
    try {
      const read = documents.parse(JSON.parse(await readFile(file, 'utf8')));
      const wrong = Object.entries(read).find(([digest, text]) => digestOfText(text) !== digest);
      if (wrong) throw new Error(`the text of ${wrong[0]} has another digest`);
      return new TrustedDocuments(new Map(Object.entries(read)), only);
    } catch (error) {
      const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
      throw new TeddyhubError('BAD_CONFIGURATION', `The trusted documents in ${file} cannot be read: ${why}.`);
    }
  }

  /** The text that a digest stands for. Throws INVALID_INPUT. */
  resolve(digest: string): string {
    const text = this.byDigest.get(digest);
    if (text !== undefined) return text;
    const message = `There is no trusted document ${digest.slice(0, 80)}: send the text of the operation.`;
    throw new TeddyhubError('INVALID_INPUT', message);
  }

  /** Throws FORBIDDEN for a text that the key may not send. */
  assertAllowed(viewer: Viewer, text: string): void {
    if (!this.only || viewer.role === 'ADMIN' || this.byDigest.has(digestOfText(text))) return;
    const message = 'This service runs the documents of its own clients only: other operations need an ADMIN key.';
    throw new TeddyhubError('FORBIDDEN', message);
  }
}
