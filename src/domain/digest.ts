/** How the content of files and objects is named. */
import { z } from 'zod';

export const sha256 = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hex digits');
