/** What bench/engine.ts measured. */
import { table } from './markdown.js';

interface Times {
  readonly median: number;
}

export interface EngineResult {
  readonly peer: string;
  readonly cases: readonly {
    readonly name: string;
    readonly milliseconds: { readonly teddyhub: Times; readonly eager: Times; readonly compile: Times };
    readonly ratioToEager: number;
    readonly ratioToCompiled: number;
  }[];
  readonly kernels: readonly { readonly name: string; readonly milliseconds: number; readonly gigaflops?: number }[];
}

export function engineTable({ cases }: EngineResult): string {
  const header = ['step, milliseconds', 'teddyhub', 'eager', 'compiled', 'to eager', 'to compiled'];
  const rows = cases.map(({ name, milliseconds: { teddyhub, eager, compile }, ratioToEager, ratioToCompiled }) => [
    name,
    ...[teddyhub, eager, compile].map(({ median }) => `${Math.round(median)}`),
    ratioToEager.toFixed(2),
    ratioToCompiled.toFixed(2),
  ]);
  return table(header, rows);
}

/** The first kernel is the matrix product that shows what the cores can do. */
export function kernelTable({ kernels }: EngineResult): string {
  const most = kernels[0]?.gigaflops ?? Number.NaN;
  return table(
    ['kernel', 'milliseconds', 'GFLOP/s', 'to the matrix product'],
    kernels.map(({ name, milliseconds, gigaflops }) => [
      name,
      milliseconds.toFixed(2),
      `${gigaflops ?? ''}`,
      gigaflops === undefined ? '' : (gigaflops / most).toFixed(2),
    ]),
  );
}
