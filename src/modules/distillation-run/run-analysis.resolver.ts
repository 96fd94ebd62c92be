import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { Reads } from '../kit/columns.js';
import { listComplexity } from '../kit/connection.js';
import { DistillationRun } from './distillation-run.type.js';
import { AlignedSeries, ConfigComparison, MetricSeries, RunComparison } from './run-metrics.type.js';

const MAX_POINTS = 'At most so many samples, 1 to 1000.';

/** The larger of its parts: what the database reads does not depend on how few samples it makes of it. */
const seriesComplexity = ({
  args,
  childComplexity,
}: {
  args: { maxPoints?: number };
  childComplexity: number;
}): number => 10 + Math.ceil(Math.max(1, args.maxPoints ?? 200) / 10) * childComplexity;

@Resolver(() => DistillationRun)
export class RunMetricsResolver {
  @Reads()
  @FieldResolver(() => [String], { description: 'Of the curves that it has.', complexity: 5 })
  metricNames(@Root() run: DistillationRun, @Ctx() { services, loaders }: RequestContext): Promise<string[]> {
    return services.runAnalysis.metricNames(loaders, run);
  }

  @Reads()
  @FieldResolver(() => MetricSeries, {
    complexity: seriesComplexity,
    description: 'One of its curves, sampled by the database; without samples where there is none of this name.',
  })
  metricSeries(
    @Root() run: DistillationRun,
    @Arg('name', () => String) name: string,
    @Arg('maxPoints', () => Int, { defaultValue: 200, description: MAX_POINTS }) maxPoints: number,
    @Ctx() { services, loaders }: RequestContext,
  ): Promise<MetricSeries> {
    return services.runAnalysis.series(loaders, run, name, maxPoints);
  }
}

@Resolver(() => RunComparison)
export class RunComparisonResolver {
  @Query(() => RunComparison, {
    nullable: true,
    description: 'Up to 10 runs side by side; null where one of them is not there.',
    complexity: ({ args, childComplexity }) => 1 + Math.max(1, (args.ids as string[]).length) * childComplexity,
  })
  compareRuns(@Arg('ids', () => [ID]) ids: string[], @Ctx() context: RequestContext): Promise<RunComparison | null> {
    return context.services.runAnalysis.compare(context, ids);
  }

  @FieldResolver(() => [ConfigComparison], {
    complexity: listComplexity(10),
    description: 'Dataset, pool, seed and configuration, option by option.',
  })
  config(
    @Root() { runs }: RunComparison,
    @Arg('onlyDifferences', () => Boolean, { defaultValue: false }) onlyDifferences: boolean,
    @Ctx() context: RequestContext,
  ): Promise<ConfigComparison[]> {
    return context.services.runAnalysis.compareConfigs(context, runs, onlyDifferences);
  }

  @FieldResolver(() => [String], { description: 'Of the curves that any of them has.', complexity: 5 })
  metricNames(@Root() { runs }: RunComparison, @Ctx() { services, loaders }: RequestContext): Promise<string[]> {
    return services.runAnalysis.metricNames(loaders, ...runs);
  }

  @FieldResolver(() => AlignedSeries, {
    complexity: seriesComplexity,
    description: 'A curve of all of them, over the same ranges of steps.',
  })
  metrics(
    @Root() { runs }: RunComparison,
    @Arg('name', () => String) name: string,
    @Arg('maxPoints', () => Int, { defaultValue: 200, description: MAX_POINTS }) maxPoints: number,
    @Ctx() { services }: RequestContext,
  ): Promise<AlignedSeries> {
    return services.runAnalysis.align(runs, name, maxPoints);
  }
}
