/** A suite made ready: its dataset imported and its pool trained; and one student of a row, method and seed at a time. */
import { labelTeachersOf, type Outcome, openPipeline } from './pipeline.js';
import { type Method, type Row, SUITES, type Suite, sre2l } from './suites.js';

/** The suite of this name; ends the process in one line where there is none, or where it needs data that was not named. */
export function suiteOf(bench: string, name: string, data: string | undefined): Suite {
  const suite = SUITES[name];
  const problem = !suite
    ? `there is no suite ${name}; choose one of ${Object.keys(SUITES).join(', ')}`
    : suite.data && data === undefined
      ? `the suite ${name} needs --data <${suite.data}>`
      : undefined;
  if (suite && problem === undefined) return suite;
  console.error(`${bench}: ${problem}.`);
  process.exit(1);
}

/** What a method synthesizes with; undefined for the methods that only choose real images. */
export const synthesisOf = (row: Row, method: Method) =>
  method === 'SRE2L' ? sre2l(row.teddy) : method === 'TEDDY' ? row.teddy : undefined;

export async function openSuite(suite: Suite, data: string | undefined, work: string) {
  const pipeline = await openPipeline(work);
  const dataset = await pipeline.dataset(suite.source(data));
  const { teachers, cpuSeconds } = await pipeline.pool(dataset, suite.pool);

  return {
    teachers,
    cpuSeconds,
    measure(row: Row, method: Method, seed: number): Promise<Outcome> {
      const { imagesPerClass, labels, recipe } = row;
      const labelTeachers = labelTeachersOf(teachers, labels);
      const protocol = { dataset, labelTeachers, labels, recipe, labelKinds: ['SOFT' as const], imagesPerClass };
      if (method === 'RANDOM_REAL' || method === 'REAL_CROPS') return pipeline.baseline(protocol, method, seed);
      const best = labelTeachers[0]?.index;
      const matched = method === 'SRE2L' ? teachers.filter(({ index }) => index === best) : teachers;
      return pipeline.distilled(protocol, matched, synthesisOf(row, method) ?? row.teddy, seed);
    },
  };
}
