/** The first records of what an import reports: cut in the database, for a report may have a hundred thousand. */
import DataLoader from 'dataloader';
import { z } from 'zod';
import { duplicateRecord, skippedRecord } from '../../domain/jobs/dataset-import.js';
import { groupBy } from '../kit/group.js';
import type { DatasetRepository, Report } from './dataset.repository.js';

interface Key {
  datasetId: string;
  first: number;
}

/** One statement for all datasets that are asked for as many records in a tick. */
const reportLoader = <T>(datasets: DatasetRepository, projectId: string, report: Report, records: z.ZodType<T[]>) =>
  new DataLoader<Key, T[], string>(
    async (keys) => {
      const found = new Map<string, T[]>();
      for (const [first, group] of groupBy(keys, (key) => key.first)) {
        const ids = group.map(({ datasetId }) => datasetId);
        const rows = first === 0 ? [] : await datasets.reports(projectId, report, ids, first);
        for (const row of rows) found.set(cacheKey({ datasetId: row.id, first }), records.parse(row.records));
      }
      return keys.map((key) => found.get(cacheKey(key)) ?? []);
    },
    { cacheKeyFn: cacheKey },
  );

export const reportLoaders = (datasets: DatasetRepository, projectId: string) => ({
  skippedRecordsOfDataset: reportLoader(datasets, projectId, 'skippedRecords', z.array(skippedRecord)),
  duplicatesOfDataset: reportLoader(datasets, projectId, 'duplicates', z.array(duplicateRecord)),
});

const cacheKey = ({ datasetId, first }: Key): string => `${datasetId} ${first}`;
