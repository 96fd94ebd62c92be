/** Tables of Markdown. */
export const table = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

export const signed = (n: number): string => `${n > 0 ? '+' : ''}${n.toFixed(2)}`;
