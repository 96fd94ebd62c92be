/**
 * Puts the tables and plots of docs/results.md together from bench/results/, so that no figure in them is typed: what stands
 * between `<!-- <name> -->` and `<!-- end -->` is replaced. With `--check` it changes nothing, and fails where something differs.
 *
 *     npm run bench -- results-page [--check]
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { qualityPlots } from './support/quality-plots.js';
import { readJson, resultsPath, root } from './support/report.js';
import {
  type EngineResult,
  engineTable,
  kernelTable,
  type QualityResult,
  qualityTable,
  type SweepResult,
  sweepTable,
  teacherList,
} from './support/tables.js';

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

function resultOf<T>(name: string): T {
  const result = readJson<T | undefined>(resultsPath(name), undefined);
  if (result === undefined) throw new Error(`results-page: ${resultsPath(name)} is missing or no JSON.`);
  return result;
}

const SECTIONS: Record<string, (argument: string) => string> = {
  'engine steps': () => engineTable(resultOf<EngineResult>('engine')),
  'engine kernels': () => kernelTable(resultOf<EngineResult>('engine')),
  sweep: () => sweepTable(resultOf<SweepResult>('engine-sweep')),
  quality: (suite) => qualityTable(resultOf<QualityResult>(`quality-${suite}`)),
  teachers: (suite) => teacherList(resultOf<QualityResult>(`quality-${suite}`)),
};

const page = root('docs/results.md');
const before = readFileSync(page, 'utf8');
const suites = new Set<string>();
const after = before.replaceAll(
  /<!-- (\w[^>]*?)(?:: ([\w-]+))? -->\n[\s\S]*?<!-- end -->/g,
  (_, name: string, argument = '') => {
    const section = SECTIONS[name];
    if (!section)
      throw new Error(`results-page: docs/results.md asks for "${name}"; there are ${Object.keys(SECTIONS)}.`);
    if (name === 'quality') suites.add(argument);
    const marker = argument ? `${name}: ${argument}` : name;
    return `<!-- ${marker} -->\n\n${section(argument)}\n\n<!-- end -->`;
  },
);

const files = new Map([[page, after]]);
for (const suite of suites) {
  for (const [name, svg] of await qualityPlots(suite, resultOf<QualityResult>(`quality-${suite}`))) {
    files.set(root(`docs/plots/${name}.svg`), svg);
  }
}
for (const [path, content] of files) {
  if (existsSync(path) && readFileSync(path, 'utf8') === content) continue;
  if (values.check) {
    console.error(`${path} is not what bench/results gives; run: npm run bench -- results-page`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, content);
  }
}
