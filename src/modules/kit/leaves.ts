/** The leaves of a value by their paths; a list of plain values is one leaf. */
export function leavesOf(value: unknown, path = ''): Map<string, string> {
  if (Array.isArray(value) && value.some((item) => typeof item === 'object' && item !== null)) {
    return new Map(value.flatMap((item, index) => [...leavesOf(item, join(path, String(index)))]));
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return new Map(Object.entries(value).flatMap(([key, item]) => [...leavesOf(item, join(path, key))]));
  }
  return value === undefined || path === '' ? new Map() : new Map([[path, textOf(value)]]);
}

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

const textOf = (value: unknown): string => (Array.isArray(value) ? value.map(String).join(', ') : String(value));
