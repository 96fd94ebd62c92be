/** What a suite's results show as lines: accuracy over images per class, and over student steps. */
import { linePlot, type Point } from './plots.js';
import { deviation } from './report.js';
import { METHODS } from './suites.js';
import { METHOD_NAMES, mark, type QualityResult, type QualityRow } from './tables/quality.js';

type Axis = (row: QualityRow) => number;

const stepsOf: Axis = ({ recipe }) => recipe.steps;
const imagesOf: Axis = ({ imagesPerClass }) => imagesPerClass;

const pointsOf = (rows: readonly QualityRow[], x: Axis): Point[] =>
  rows.flatMap((row) =>
    METHODS.flatMap((method) => {
      const result = row[method];
      if (!result) return [];
      // One accuracy has no deviation, and a bar of none would look exact.
      const error = result.measured.length > 1 ? deviation(result.measured.map(({ top1 }) => top1)) : Number.NaN;
      const hollow = mark(result.measured) !== '';
      return [{ series: METHOD_NAMES[method], x: x(row), y: result.mean, error, hollow }];
    }),
  );

/** For every value of the other axis, its rows where there are several. Sets of other sizes have other options too (docs/results.md). */
function curves(rows: readonly QualityRow[], x: Axis, fixed: Axis): [at: number, of: QualityRow[]][] {
  return [...Map.groupBy(rows, fixed)].filter(([, group]) => new Set(group.map(x)).size > 1);
}

export interface QualityPlot {
  /** Of its file, without extension. */
  readonly name: string;
  readonly title: string;
  readonly svg: string;
}

export async function qualityPlots(suite: string, result: QualityResult): Promise<QualityPlot[]> {
  const plots: QualityPlot[] = [];
  const add = async (name: string, title: string, x: string, points: readonly Point[]) =>
    plots.push({ name, title, svg: await linePlot({ x, y: 'top-1, percent', points }) });
  const plotted = Object.values(result.rows).filter(({ variant }) => variant === undefined);
  for (const [architecture, rows] of Map.groupBy(plotted, (row) => row.recipe.architecture.name)) {
    const prefix = `${suite}-${architecture.toLowerCase()}`;
    for (const [images, group] of curves(rows, stepsOf, imagesOf)) {
      const title = `Accuracy over student steps, ${images} images per class`;
      await add(`${prefix}-ipc-${images}-over-steps`, title, 'student steps', pointsOf(group, stepsOf));
    }
    for (const [steps, group] of curves(rows, imagesOf, stepsOf)) {
      const title = `Accuracy over images per class, ${steps} student steps`;
      await add(`${prefix}-${steps}-steps-over-images`, title, 'images per class', pointsOf(group, imagesOf));
    }
  }
  return plots;
}
