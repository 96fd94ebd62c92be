/** What bench/api.ts and bench/data.ts measured, beside what was aimed at. */
import { table } from './markdown.js';

export interface ApiResult {
  readonly page: {
    readonly statements: number;
    readonly servers: { readonly teddyhub: { readonly requestsPerSecond: number; readonly p99: number } };
    readonly timesPerRow: number;
    readonly shareOfHandWritten: number;
  };
  readonly subscriptions: { readonly medianMs: number; readonly p99Ms: number };
  readonly memory: { readonly minutes: number; readonly residentMiB: { readonly growth: number } };
}

export function apiTable({ page, subscriptions, memory }: ApiResult): string {
  const { requestsPerSecond, p99 } = page.servers.teddyhub;
  return table(
    ['', 'reached', 'goal'],
    [
      ['SQL statements a page', `${page.statements}`, '6'],
      ['pages a second', `${Math.round(requestsPerSecond)}`, '250'],
      ['p99 of a page, ms', `${Math.round(p99)}`, '100'],
      ['times the pages of per-row resolvers', page.timesPerRow.toFixed(1), '3'],
      ['share of the pages of the hand-written endpoint', page.shareOfHandWritten.toFixed(2), '0.33'],
      ['report to message, 1,000 subscribers, median, ms', `${Math.round(subscriptions.medianMs)}`, '50'],
      ['report to message, 1,000 subscribers, p99, ms', `${Math.round(subscriptions.p99Ms)}`, '250'],
      [
        `memory from the second to the last quarter of ${memory.minutes} minutes, MiB`,
        `+${memory.residentMiB.growth}`,
        '0',
      ],
    ],
  );
}

export interface DataResult {
  readonly archives: {
    readonly rows: readonly {
      readonly name: string;
      readonly images: number;
      readonly imagesPerSecond: { readonly import: number };
      readonly importToSharpLoop: number;
      readonly importToImageFolder: number;
      readonly shardsToDecoding: number;
    }[];
  };
}

export const importTable = ({ archives }: DataResult): string =>
  table(
    ['', 'images a second', 'to the sharp loop', 'to ImageFolder', 'shards, to decoding'],
    archives.rows.map((row) => [
      `${row.name}, ${row.images.toLocaleString('en')} JPEG`,
      `${row.imagesPerSecond.import}`,
      row.importToSharpLoop.toFixed(2),
      row.importToImageFolder.toFixed(2),
      `${row.shardsToDecoding.toFixed(1)} times`,
    ]),
  );
