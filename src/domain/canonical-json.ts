/**
 * One text for one value: keys sorted by UTF-16 code unit, no insignificant whitespace, numbers and strings as
 * ECMAScript prints them (the rules of RFC 8785). What gets a digest is serialised by this.
 */

/** Throws TypeError for what JSON cannot hold: NaN, infinities, undefined, functions, bigints, class instances. */
export function canonicalJson(value: unknown): string {
  return write(value, '$');
}

function write(value: unknown, path: string): string {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${path} is ${value}, which JSON cannot hold`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) {
    return `[${Array.from(value, (item: unknown, index) => write(item, `${path}[${index}]`)).join(',')}]`;
  }
  if (!isPlainObject(value)) throw new TypeError(`${path} is not a JSON value`);
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${write(value[key], `${path}.${key}`)}`);
  return `{${members.join(',')}}`;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
