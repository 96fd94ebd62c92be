/** Keys as people carry them: `thk_<prefix>_<secret>`. The prefix is public; of the secret only a salted hash is kept. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify<Buffer, Buffer, number, Buffer>(scrypt);
const HASH_BYTES = 32;

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

/** `scrypt:<salt>:<hash>`, both base64url. */
export async function hashSecret(secret: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(Buffer.from(secret), salt, HASH_BYTES);
  return `scrypt:${salt.toString('base64url')}:${hash.toString('base64url')}`;
}

export async function verifySecret(secret: string, stored: string): Promise<boolean> {
  const [scheme, salt, hash] = stored.split(':');
  if (scheme !== 'scrypt' || salt === undefined || hash === undefined) return false;
  const expected = Buffer.from(hash, 'base64url');
  const actual = await derive(Buffer.from(secret), Buffer.from(salt, 'base64url'), HASH_BYTES);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
