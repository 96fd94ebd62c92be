/** Plots of docs/results.md, drawn by Vega from result files alone: the same file gives the same bytes. */
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

export interface Point {
  readonly series: string;
  readonly x: number;
  readonly y: number;
  /** Half the height of the error bar. */
  readonly error: number;
  /** Of what is not quite comparable with the others. */
  readonly hollow: boolean;
}

export interface LinePlot {
  readonly x: string;
  readonly y: string;
  readonly points: readonly Point[];
}

/** Lines with error bars over a logarithmic axis, as SVG. */
export async function linePlot({ x, y, points }: LinePlot): Promise<string> {
  const values = points.map((point) => ({ ...point, low: point.y - point.error, high: point.y + point.error }));
  const across = {
    field: 'x',
    type: 'quantitative' as const,
    scale: { type: 'log' as const },
    axis: { title: x, values: [...new Set(points.map((point) => point.x))], grid: false },
  };
  const color = { field: 'series', type: 'nominal' as const, title: null };
  const up = { type: 'quantitative' as const, scale: { zero: false }, title: y };
  const spec: TopLevelSpec = {
    width: 420,
    height: 240,
    background: 'white',
    data: { values },
    layer: [
      { mark: 'line', encoding: { x: across, y: { field: 'y', ...up }, color } },
      ...[false, true].map((hollow) => ({
        transform: [{ filter: `datum.hollow === ${hollow}` }],
        mark: { type: 'point' as const, opacity: 1, filled: !hollow, ...(hollow && { fill: 'white' }) },
        encoding: { x: across, y: { field: 'y', ...up }, color },
      })),
      { mark: 'rule', encoding: { x: across, y: { field: 'low', ...up }, y2: { field: 'high' }, color } },
    ],
  };
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
  return `${await view.toSVG()}\n`;
}
