/** How the content of files and objects is named. */
import { createHash } from 'node:crypto';
import { z } from 'zod';

export const sha256 = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hex digits');

export const digestOfText = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
