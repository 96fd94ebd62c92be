/** Options of several objects side by side. */
import { leavesOf } from '../kit/leaves.js';
import type { ConfigComparison } from './run-metrics.type.js';

/** Every option that any of the objects has, in the order in which they first appear. */
export function compareLeaves(objects: readonly unknown[]): ConfigComparison[] {
  const leaves = objects.map((object) => leavesOf(object));
  const paths = new Set(leaves.flatMap((one) => [...one.keys()]));
  return [...paths].map((path) => {
    const values = leaves.map((one) => one.get(path) ?? null);
    return { path, values, differs: new Set(values).size > 1 };
  });
}
