/** Differences between goldens and what was computed anew. */

/**
 * The largest difference of two JSON values: of numbers, relative to the larger one; of lists of numbers, relative to the
 * largest of them, since the small ones among them are what cancellation left. Infinity where anything else differs.
 */
export function difference(a, b) {
  if (Array.isArray(a) && Array.isArray(b)) {
    const [left, right] = [a.flat(Number.POSITIVE_INFINITY), b.flat(Number.POSITIVE_INFINITY)];
    return left.length === right.length && JSON.stringify(shape(a)) === JSON.stringify(shape(b))
      ? ofNumbers(left, right)
      : Number.POSITIVE_INFINITY;
  }
  if (typeof a === 'number' && typeof b === 'number') return ofNumbers([a], [b]);
  if (!isObject(a) || !isObject(b)) return a === b ? 0 : Number.POSITIVE_INFINITY;
  const [names, others] = [Object.keys(a), Object.keys(b)];
  if (names.length !== others.length || names.some((name) => !(name in b))) return Number.POSITIVE_INFINITY;
  return Math.max(0, ...names.map((name) => difference(a[name], b[name])));
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

const shape = (list) => (Array.isArray(list) ? [list.length, ...list.map(shape)] : []);

function ofNumbers(a, b) {
  const largest = Math.max(0, ...a.map(Math.abs), ...b.map(Math.abs));
  const furthest = Math.max(0, ...a.map((value, i) => Math.abs(value - b[i])));
  return largest === 0 ? furthest : furthest / largest;
}
