/**
 * Puts the tables and plots of docs/results.md together from bench/results/, so that no figure in them is typed: what stands
 * between `<!-- <name> -->` and `<!-- end -->` is replaced. With `--check` it changes nothing, and fails where something differs.
 *
 *     npm run bench -- results-page [--check]
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { end, optionsOf } from './support/options.js';
import { qualityPlots } from './support/quality-plots.js';
import { readJson, resultsPath, root } from './support/report.js';
import { type EngineResult, engineTable, kernelTable } from './support/tables/engine.js';
import { goalsTable } from './support/tables/goals.js';
import { type LabelSizeResult, labelSizeTable } from './support/tables/labels.js';
import {
  headlineTable,
  type QualityResult,
  qualityTable,
  type SweepResult,
  sweepTable,
  teacherList,
} from './support/tables/quality.js';
import { residenceList, type ScalingResult, scalingTable } from './support/tables/scaling.js';
import { type ApiResult, apiTable, type DataResult, importTable } from './support/tables/service.js';
import { type TimeResult, timeTable } from './support/tables/time.js';

const values = optionsOf('results-page', { check: { type: 'boolean', default: false } });

function resultOf<T>(name: string): T {
  const result = readJson<T | undefined>(resultsPath(name), undefined);
  return result === undefined ? fail(`${resultsPath(name)} is missing or no JSON: run its benchmark first`) : result;
}

const fail = (problem: string): never => end('results-page', problem);

const SECTIONS: Record<string, (argument: string) => string> = {
  'engine steps': () => engineTable(resultOf<EngineResult>('engine')),
  'engine kernels': () => kernelTable(resultOf<EngineResult>('engine')),
  scaling: () => scalingTable(resultOf<ScalingResult>('scaling')),
  residence: () => residenceList(resultOf<ScalingResult>('scaling')),
  api: () => apiTable(resultOf<ApiResult>('api')),
  imports: () => importTable(resultOf<DataResult>('data')),
  'label size': () => labelSizeTable(resultOf<LabelSizeResult>('label-size')),
  sweep: (name) => sweepTable(resultOf<SweepResult>(`engine-sweep-${name}`)),
  'time to accuracy': (suite) => timeTable(resultOf<TimeResult>(`time-to-accuracy-${suite}`)),
  quality: (suite) => qualityTable(resultOf<QualityResult>(`quality-${suite}`)),
  headline: () =>
    headlineTable([
      { title: 'CIFAR-10', result: resultOf<QualityResult>('quality-cifar10') },
      { title: 'CIFAR-10', result: resultOf<QualityResult>('quality-cifar10-resnet18') },
      { title: 'Tiny-ImageNet-20', result: resultOf<QualityResult>('quality-tiny-imagenet-20') },
      { title: 'Fashion-MNIST', result: resultOf<QualityResult>('quality-fashion-mnist') },
    ]),
  goals: () =>
    goalsTable({
      cifar10: resultOf('quality-cifar10'),
      cifar10Resnet18: resultOf('quality-cifar10-resnet18'),
      tinyImageNet: resultOf('quality-tiny-imagenet-20'),
      fashionMnist: resultOf('quality-fashion-mnist'),
      timeCifar10: resultOf('time-to-accuracy-cifar10'),
      timeFashionMnist: resultOf('time-to-accuracy-fashion-mnist'),
      engine: resultOf('engine'),
    }),
  teachers: (suite) => teacherList(resultOf<QualityResult>(`quality-${suite}`)),
};

const files = new Map<string, string>();
/** The plots of each suite that the page of results tells of, as Markdown. */
const shown = new Map<string, string>();
for (const [, suite = ''] of readFileSync(root('docs/results.md'), 'utf8').matchAll(/<!-- quality: ([\w-]+) -->/g)) {
  const plots = await qualityPlots(suite, resultOf<QualityResult>(`quality-${suite}`));
  for (const { name, svg } of plots) files.set(root(`docs/plots/${name}.svg`), svg);
  shown.set(suite, plots.map(({ name, title }) => `\n\n![${title}](plots/${name}.svg)`).join(''));
}
const section = /<!-- (\w[^>]*?)(?:: ([\w-]+))? -->\n[\s\S]*?<!-- end -->/g;
for (const page of ['docs/results.md', 'README.md']) {
  const before = readFileSync(root(page), 'utf8');
  const after = before.replaceAll(section, (_, name: string, argument = '') => {
    const write = SECTIONS[name];
    if (!write) return fail(`${page} asks for "${name}"; there are ${Object.keys(SECTIONS).join(', ')}`);
    const plots = name === 'quality' ? shown.get(argument) : '';
    return `<!-- ${argument ? `${name}: ${argument}` : name} -->\n\n${write(argument)}${plots}\n\n<!-- end -->`;
  });
  files.set(root(page), after);
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
