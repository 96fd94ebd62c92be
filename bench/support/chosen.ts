/** What a benchmark is asked for by name. A name that means nothing ends the process in one line that lists those that do. */
import { end } from './options.js';
import type { Suite } from './suites.js';

/** The one of this name, with `--data` where it needs that. */
export function chosenOf<T extends Pick<Suite, 'data'>>(
  all: Record<string, T>,
  bench: string,
  kind: string,
  name: string,
  data: string | undefined,
): T {
  const chosen = Object.hasOwn(all, name) ? all[name] : undefined;
  if (!chosen) end(bench, `there is no ${kind} ${name}; choose one of ${Object.keys(all).join(', ')}`);
  if (chosen.data && data === undefined) end(bench, `the ${kind} ${name} needs --data <${chosen.data}>`);
  return chosen;
}

/** As words, so that `IPC 10, 1000` is not found in `IPC 10, 10000 steps`. */
const wordsOf = (text: string): string => ` ${text.split(/\W+/).join(' ').trim()} `;

/** Those whose name is one of `parts`, and of a part that is nobody's name those that have it in theirs; all where there are none. */
export function namedOf<T extends { readonly name: string }>(
  all: readonly T[],
  bench: string,
  kind: string,
  parts: readonly string[],
): readonly T[] {
  const matches = (part: string): readonly T[] => {
    const exact = all.filter(({ name }) => name === part);
    const found = exact.length > 0 ? exact : all.filter(({ name }) => wordsOf(name).includes(wordsOf(part)));
    if (found.length > 0) return found;
    return end(bench, `no ${kind} is named ${part}; choose of ${all.map(({ name }) => `"${name}"`).join(', ')}`);
  };
  const chosen = new Set(parts.flatMap(matches));
  return parts.length === 0 ? all : all.filter((one) => chosen.has(one));
}
