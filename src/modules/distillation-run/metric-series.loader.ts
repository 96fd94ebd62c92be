import DataLoader from 'dataloader';
import { groupBy } from '../kit/group.js';
import type { RunMetricsRepository, SampleRow } from './run-metrics.repository.js';

interface Key {
  runId: string;
  name: string;
  maxPoints: number;
}

/** One statement for all runs that are asked for the same curve in a tick. */
export const metricSeriesLoader = (metrics: RunMetricsRepository): DataLoader<Key, SampleRow[], string> =>
  new DataLoader(
    async (keys) => {
      const found = new Map<string, SampleRow[]>();
      for (const [curve, group] of groupBy(keys, curveOf)) {
        const { name, maxPoints } = group[0]!;
        const ids = group.map(({ runId }) => runId);
        const rows = groupBy(await metrics.samples(ids, name, maxPoints), ({ runId }) => runId);
        for (const [runId, samples] of rows) found.set(`${runId} ${curve}`, samples);
      }
      return keys.map((key) => found.get(cacheKey(key)) ?? []);
    },
    { cacheKeyFn: cacheKey },
  );

const curveOf = ({ name, maxPoints }: Key): string => `${maxPoints} ${name}`;
const cacheKey = (key: Key): string => `${key.runId} ${curveOf(key)}`;
