/**
 * Tokens as training jobs carry them: `tht_<prefix>_<secret>`. The secret has 256 random bits, which nobody can try out: a
 * plain hash of it is as good as a slow one, and a data plane asks for it at every file.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export interface MadeToken {
  /** Shown once, kept nowhere. */
  token: string;
  prefix: string;
  secretHash: string;
}

export function makeToken(): MadeToken {
  const prefix = randomBytes(4).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  return { token: `tht_${prefix}_${secret}`, prefix, secretHash: hashOf(secret) };
}

/** Null for what is no token. */
export function parseToken(text: string): { prefix: string; secret: string } | null {
  const match = /^tht_([0-9a-f]{8})_([A-Za-z0-9_-]{43})$/.exec(text);
  return match ? { prefix: match[1]!, secret: match[2]! } : null;
}

export const isSecretOf = (secret: string, secretHash: string): boolean =>
  timingSafeEqual(Buffer.from(hashOf(secret)), Buffer.from(secretHash.padEnd(64).slice(0, 64)));

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');
