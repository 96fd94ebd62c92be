/** A suite made ready: its dataset imported and its pool trained; and one student of a row, method and seed at a time. */
import { labelTeachersOf, type Outcome, openPipeline } from './pipeline.js';
import { type Method, type Row, SUITES, type Suite, sre2l } from './suites.js';

/** The one of this name; ends the process in one line where there is none, or where it needs data that was not named. */
export function chosenOf<T extends Pick<Suite, 'data'>>(
  all: Record<string, T>,
  bench: string,
  kind: string,
  name: string,
  data: string | undefined,
): T {
  const chosen = all[name];
  const problem = !chosen
    ? `there is no ${kind} ${name}; choose one of ${Object.keys(all).join(', ')}`
    : chosen.data && data === undefined
      ? `the ${kind} ${name} needs --data <${chosen.data}>`
      : undefined;
  if (chosen && problem === undefined) return chosen;
  console.error(`${bench}: ${problem}.`);
  process.exit(1);
}

export const suiteOf = (bench: string, name: string, data: string | undefined): Suite =>
  chosenOf(SUITES, bench, 'suite', name, data);

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
