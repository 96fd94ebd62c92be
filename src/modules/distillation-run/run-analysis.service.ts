/** What somebody who looks at runs asks of them: their curves, and how they differ. */
import { TeddyhubError } from '../../domain/errors.js';
import type { Viewer } from '../../domain/viewer.js';
import type { Loaders } from '../index.js';
import { toGlobalId } from '../kit/node.js';
import type { NodeService } from '../node/node.service.js';
import type { DistillationRun } from './distillation-run.type.js';
import { compareLeaves } from './run-comparison.js';
import type { RunMetricsRepository } from './run-metrics.repository.js';
import type { AlignedSeries, ConfigComparison, MetricSeries, RunComparison } from './run-metrics.type.js';

const MAX_COMPARED = 10;
const MAX_POINTS = 1000;

interface Reader {
  viewer: Viewer;
  loaders: Loaders;
}

export class RunAnalysisService {
  constructor(
    private readonly nodes: NodeService,
    private readonly metrics: RunMetricsRepository,
  ) {}

  async metricNames(loaders: Loaders, ...runs: readonly DistillationRun[]): Promise<string[]> {
    const names = await Promise.all(runs.map((run) => loaders.metricNamesOfRun.load(run.id)));
    return [...new Set(names.flat().map(({ name }) => name))].sort();
  }

  /** Throws INVALID_INPUT. */
  async series(loaders: Loaders, run: DistillationRun, name: string, maxPoints: number): Promise<MetricSeries> {
    checkSeries(name, maxPoints);
    return { name, samples: await loaders.metricSeries.load({ runId: run.id, name, maxPoints }) };
  }

  /** Null where one of them is not there. Throws INVALID_INPUT. */
  async compare(reader: Reader, ids: readonly string[]): Promise<RunComparison | null> {
    if (ids.length === 0 || ids.length > MAX_COMPARED) {
      throw new TeddyhubError('INVALID_INPUT', `Compare 1 to ${MAX_COMPARED} runs.`);
    }
    const found = await Promise.all(ids.map((id) => this.nodes.get(reader, 'DistillationRun', id)));
    const runs = found.filter((run) => run !== null);
    return runs.length < ids.length ? null : { runs };
  }

  async compareConfigs(
    reader: Reader,
    runs: readonly DistillationRun[],
    onlyDifferences: boolean,
  ): Promise<ConfigComparison[]> {
    const options = runs.map(async (run) => {
      const dataset = await this.nodes.related(reader, 'Dataset', run.datasetId);
      return {
        // Names may be alike, and change: these two are what a run stands on.
        dataset: dataset.name,
        datasetDigest: dataset.contentDigest,
        teacherPool: (await this.nodes.related(reader, 'TeacherPool', run.poolId)).name,
        teacherPoolId: toGlobalId('TeacherPool', run.poolId),
        method: run.method,
        seed: run.seed,
        config: (await reader.loaders.configOfRun.load(run.id))?.config,
      };
    });
    return compareLeaves(await Promise.all(options)).filter(({ differs }) => differs || !onlyDifferences);
  }

  /** Throws INVALID_INPUT. */
  async align(runs: readonly DistillationRun[], name: string, maxPoints: number): Promise<AlignedSeries> {
    checkSeries(name, maxPoints);
    const rows = await this.metrics.aligned(
      runs.map((run) => run.id),
      name,
      maxPoints,
    );
    const steps = [...new Set(rows.map(({ step }) => step))];
    const means = new Map(rows.map(({ runId, step, mean }) => [`${runId} ${step}`, mean]));
    const curves = runs.map((run) => ({
      distillationRun: run,
      values: steps.map((step) => means.get(`${run.id} ${step}`) ?? null),
    }));
    return { name, steps, runs: curves };
  }
}

function checkSeries(name: string, maxPoints: number): void {
  if (maxPoints < 1 || maxPoints > MAX_POINTS) {
    throw new TeddyhubError('INVALID_INPUT', `\`maxPoints\` must be 1 to ${MAX_POINTS}.`);
  }
  if (name.length > 200 || name.includes('\0')) throw new TeddyhubError('INVALID_INPUT', 'No curve has such a name.');
}
