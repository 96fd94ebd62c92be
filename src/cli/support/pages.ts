/** Lists of the API, page by page. */

export const PAGE = 100;

interface Page<T> {
  nodes: readonly T[];
  pageInfo: { endCursor?: string | null; hasNextPage: boolean };
}

/** All of a list. */
export async function readAll<T>(read: (after: string | null) => Promise<Page<T>>): Promise<T[]> {
  const all: T[] = [];
  let after: string | null = null;
  for (;;) {
    const { nodes, pageInfo }: Page<T> = await read(after);
    all.push(...nodes);
    after = pageInfo.endCursor ?? null;
    if (!pageInfo.hasNextPage) return all;
  }
}
