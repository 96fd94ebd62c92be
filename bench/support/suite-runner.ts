/** A suite made ready: its dataset imported and its pool trained; and one student of a row, method and seed at a time. */
import { chosenOf } from './chosen.js';
import { labelTeachersOf, type Outcome, openPipeline } from './pipeline.js';
import { synthesisOf } from './suite-options.js';
import { type Method, type Row, SUITES, type Suite } from './suites.js';

export const suiteOf = (bench: string, name: string, data: string | undefined): Suite =>
  chosenOf(SUITES, bench, 'suite', name, data);

export async function openSuite(suite: Suite, data: string | undefined, work: string) {
  const pipeline = await openPipeline(work);
  const dataset = await pipeline.dataset(suite.source(data));
  const { teachers, cpuSeconds } = await pipeline.pool(dataset, suite.pool);

  return {
    datasetDigest: dataset.digest,
    teachers,
    cpuSeconds,
    measure(row: Row, method: Method, seed: number, synthesisShare = 1): Promise<Outcome> {
      const { imagesPerClass, labels, recipe } = row;
      const labelTeachers = labelTeachersOf(teachers, labels);
      const protocol = { dataset, labelTeachers, labels, recipe, labelKinds: ['SOFT' as const], imagesPerClass };
      if (method === 'RANDOM_REAL' || method === 'REAL_CROPS') return pipeline.baseline(protocol, method, seed);
      const best = labelTeachers[0]?.index;
      const matched = method === 'SRE2L' ? teachers.filter(({ index }) => index === best) : teachers;
      return pipeline.distilled(protocol, matched, synthesisOf(suite, row, method, synthesisShare) ?? row.teddy, seed);
    },
  };
}
