/**
 * Keys as people carry them: `thk_<prefix>_<secret>`. The prefix is public; of the secret only a hash is kept. It has 256 random
 * bits, which nobody can try out, so a plain hash is as good as a slow one, which strangers could make the service compute.
 */
import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify<Buffer, Buffer, number, Buffer>(scrypt);

export interface ParsedKey {
  prefix: string;
  secret: string;
}

/** 4 random bytes of prefix, 32 of secret. */
export function makeKey(): ParsedKey & { key: string } {
  const prefix = randomBytes(4).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  return { prefix, secret, key: `thk_${prefix}_${secret}` };
}

/** Null for what is no key. */
export function parseKey(key: string): ParsedKey | null {
  const match = /^thk_([0-9a-f]{8})_([A-Za-z0-9_-]{43})$/.exec(key);
  return match ? { prefix: match[1]!, secret: match[2]! } : null;
}

/** `sha256:<hash>`, base64url. */
export const hashSecret = (secret: string): string => `sha256:${sha256(secret).toString('base64url')}`;

export async function verifySecret(secret: string, stored: string): Promise<boolean> {
  const parts = stored.split(':');
  const expected = Buffer.from(parts.at(-1) ?? '', 'base64url');
  const actual = parts[0] === 'scrypt' ? await olderHash(secret, parts[1] ?? '', expected.length) : sha256(secret);
  return expected.length > 0 && expected.length === actual.length && timingSafeEqual(expected, actual);
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** As keys of earlier versions are kept: `scrypt:<salt>:<hash>`. */
const olderHash = (secret: string, salt: string, bytes: number): Promise<Buffer> =>
  derive(Buffer.from(secret), Buffer.from(salt, 'base64url'), bytes);
