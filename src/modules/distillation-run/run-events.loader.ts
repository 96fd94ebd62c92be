import DataLoader from 'dataloader';
import type { StoredRunEvent } from '../../platform/events/stored-event.js';
import { groupBy } from '../kit/group.js';
import type { DistillationRunRepository } from './distillation-run.repository.js';

interface Key {
  runId: string;
  after: number;
  first: number;
}

/** One statement for all runs that are asked for the same page of their events in a tick. */
export const runEventsLoader = (runs: DistillationRunRepository): DataLoader<Key, StoredRunEvent[], string> =>
  new DataLoader(
    async (keys) => {
      const found = new Map<string, StoredRunEvent[]>();
      for (const [page, group] of groupBy(keys, pageOf)) {
        const { after, first } = group[0]!;
        const ids = group.map(({ runId }) => runId);
        const events = groupBy(await runs.events(ids, after, first), ({ runId }) => runId);
        for (const [runId, ofRun] of events) found.set(`${runId} ${page}`, ofRun);
      }
      return keys.map((key) => found.get(cacheKey(key)) ?? []);
    },
    { cacheKeyFn: cacheKey },
  );

const pageOf = ({ after, first }: Key): string => `${after} ${first}`;
const cacheKey = (key: Key): string => `${key.runId} ${pageOf(key)}`;
