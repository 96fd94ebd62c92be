/** What the project set itself, beside what bench/results/ has of it. */
import { isPair } from '../pairs.js';
import { mean } from '../report.js';
import { SUITES } from '../suites.js';
import type { EngineResult } from './engine.js';
import { signed, table } from './markdown.js';
import { mark, networkName, type QualityResult, type QualityRow } from './quality.js';
import type { TimeResult } from './time.js';

export interface Measurements {
  readonly cifar10: QualityResult;
  readonly cifar10Resnet18: QualityResult;
  readonly tinyImageNet: QualityResult;
  readonly fashionMnist: QualityResult;
  readonly timeCifar10: TimeResult;
  readonly timeFashionMnist: TimeResult;
  readonly engine: EngineResult;
}

type Line = readonly [what: string, aim: string, reached: string, met: string];

const yes = (met: boolean): string => (met ? 'yes' : 'no');
const images = (count: number): string => `${count} image${count === 1 ? '' : 's'} a class`;
const pairsOf = (count: number): string => (count === 1 ? ' (one pair)' : ` (${count} pairs)`);

/** The best accuracy of any recipe at this size: these goals name no number of student steps. */
function accuracy(title: string, { rows }: QualityResult, imagesPerClass: number, aim: number): Line {
  const [best] = Object.values(rows)
    .filter((row) => row.imagesPerClass === imagesPerClass && row.TEDDY)
    .sort((a, b) => (b.TEDDY?.mean ?? 0) - (a.TEDDY?.mean ?? 0));
  const what = `top-1, ${title}, ${images(imagesPerClass)}`;
  if (!best?.TEDDY) return [what, `${aim}`, 'not measured', ''];
  const { mean: top1, measured } = best.TEDDY;
  const steps = `${best.recipe.steps.toLocaleString('en')} student steps`;
  const pairs = pairsOf(measured.length).replace(')', `${mark(measured)})`);
  return [what, `${aim}`, `${top1.toFixed(1)} after ${steps}${pairs}`, yes(top1 >= aim)];
}

/** Met for sure where it is more than twice its standard error above the aim. */
function gain(what: string, row: QualityRow | undefined, aim: number): Line {
  const teddy = row?.TEDDY;
  if (typeof teddy?.gain !== 'number') return [what, `${aim}`, 'not measured', ''];
  const error = teddy.standardError === null ? '' : ` +- ${teddy.standardError.toFixed(1)}`;
  const reached = `${teddy.gain.toFixed(1)}${error}${pairsOf(teddy.pairs ?? teddy.measured.length)}`;
  const sure = teddy.standardError !== null && teddy.gain - aim > 2 * teddy.standardError;
  return [what, `${aim}`, reached, teddy.gain < aim ? 'no' : sure ? 'yes' : 'yes, not surely'];
}

/** Of the pairs that both have; where there is none, of the seeds, and says so. */
function overSre2l(title: string, row: QualityRow | undefined, aim: number): Line {
  const { SRE2L, TEDDY } = row ?? {};
  const both = (SRE2L?.measured ?? []).flatMap((one) =>
    (TEDDY?.measured ?? [])
      .filter((teddy) => teddy.seed === one.seed)
      .map((teddy) => ({ difference: teddy.top1 - one.top1, isPair: isPair(one, teddy) })),
  );
  const what = `points above SRe2L, ${title}, 10 images a class`;
  if (both.length === 0) return [what, `${aim}`, 'not measured', ''];
  const pairs = both.filter((one) => one.isPair);
  const reached = mean((pairs.length > 0 ? pairs : both).map(({ difference }) => difference));
  const how = pairs.length > 0 ? pairsOf(pairs.length) : ' (of one seed each, on two machines)';
  const met = reached < aim ? 'no' : pairs.length > 1 ? 'yes' : 'yes, not surely';
  return [what, `${aim}`, `${reached.toFixed(1)}${how}`, met];
}

/** By the fastest share of teddy's steps that reaches it. */
function timesFaster(title: string, { sre2l, teddy, seeds }: TimeResult, aim: number): Line {
  const ratios = teddy.filter(({ top1 }) => top1 >= sre2l.top1).map(({ cpuSeconds }) => sre2l.cpuSeconds / cpuSeconds);
  const what = `times as fast as SRe2L to its accuracy, ${title}`;
  if (ratios.length === 0) return [what, `${aim}`, 'its accuracy is not reached', 'no'];
  const reached = Math.max(...ratios);
  return [what, `${aim}`, `${reached.toFixed(1)}${pairsOf(seeds.length)}`, yes(reached >= aim)];
}

/** How many gains at 1 and 10 images a class are more than twice their standard error, which one pair does not have. */
function sureGains(suites: readonly QualityResult[]): Line {
  const asked = Object.values(SUITES)
    .flatMap(({ rows }) => rows)
    .filter(({ imagesPerClass, methods }) => imagesPerClass <= 10 && methods.includes('TEDDY'));
  const rows = suites
    .flatMap(({ rows }) => Object.values(rows))
    .filter(({ imagesPerClass, TEDDY }) => imagesPerClass <= 10 && typeof TEDDY?.gain === 'number');
  const sure = rows.filter(({ TEDDY }) => (TEDDY?.gain ?? 0) > 2 * (TEDDY?.standardError ?? Number.POSITIVE_INFINITY));
  const single = rows.filter(({ TEDDY }) => TEDDY?.standardError === null);
  const reached = `${sure.length} of ${rows.length} measured; ${single.length} are of one pair, which has no error`;
  return [
    'rows at 1 and 10 images a class whose gain is above twice its error',
    `${asked.length}`,
    reached,
    yes(sure.length === asked.length),
  ];
}

/** The best recipe of every student's network. */
function acrossNetworks({ rows }: QualityResult, aim: number): Line {
  const best = new Map<string, number>();
  for (const row of Object.values(rows)) {
    const gained = row.TEDDY?.gain;
    const name = networkName(row);
    if (typeof gained === 'number') best.set(name, Math.max(gained, best.get(name) ?? gained));
  }
  const reaching = [...best].filter(([, gained]) => gained >= aim);
  const short = [...best].filter(([, gained]) => gained < aim).map(([name, gained]) => `${name} ${signed(gained)}`);
  return [
    `networks of 7 that gain ${aim} points as students, Tiny-ImageNet-20`,
    '7',
    `${reaching.length} of ${best.size} measured; not: ${short.join(', ') || 'none'}`,
    yes(reaching.length === 7),
  ];
}

function slowest(what: string, ratios: readonly number[], aim: number): Line {
  const worst = Math.max(...ratios);
  return [`${what}, the slowest step`, `${aim.toFixed(2)}`, worst.toFixed(2), yes(worst <= aim)];
}

export function goalsTable(m: Measurements): string {
  const step = (name: string) => m.engine.cases.filter((one) => one.name.startsWith(name));
  const training = [...step('teacher'), ...step('student')];
  const lines: Line[] = [
    accuracy('Fashion-MNIST', m.fashionMnist, 1, 80),
    accuracy('Fashion-MNIST', m.fashionMnist, 10, 90),
    accuracy('Fashion-MNIST', m.fashionMnist, 50, 91.5),
    accuracy('CIFAR-10, ConvNet-3', m.cifar10, 1, 54),
    accuracy('CIFAR-10, ConvNet-3', m.cifar10, 10, 76),
    accuracy('CIFAR-10, ConvNet-3', m.cifar10, 50, 80),
    accuracy('CIFAR-10, ResNet-18', m.cifar10Resnet18, 10, 66),
    gain('gain, CIFAR-10, ConvNet-3, 1 image a class, 1,000 steps', m.cifar10.rows['IPC 1, 1000 steps'], 4),
    gain('gain, CIFAR-10, ConvNet-3, 10 images a class, 1,000 steps', m.cifar10.rows['IPC 10, 1000 steps'], 4),
    gain('the same under crops of 50 %', m.cifar10.rows['IPC 10, 1000 steps, crops of 50 %'], 4),
    gain('gain, CIFAR-10, ConvNet-3, 50 images a class', m.cifar10.rows['IPC 50, 1000 steps'], 2),
    sureGains([m.cifar10, m.cifar10Resnet18, m.tinyImageNet, m.fashionMnist]),
    acrossNetworks(m.tinyImageNet, 3),
    overSre2l('CIFAR-10', m.cifar10.rows['IPC 10, 1000 steps'], 15),
    overSre2l('Fashion-MNIST', m.fashionMnist.rows['IPC 10, 1000 steps'], 15),
    timesFaster('CIFAR-10', m.timeCifar10, 10),
    timesFaster('Fashion-MNIST', m.timeFashionMnist, 10),
    slowest(
      'time of synthesis to eager PyTorch',
      step('synthesis').map((one) => one.ratioToEager),
      0.85,
    ),
    slowest(
      'time of synthesis to compiled PyTorch',
      step('synthesis').map((one) => one.ratioToCompiled),
      1,
    ),
    slowest(
      'time of training to eager PyTorch',
      training.map((one) => one.ratioToEager),
      1,
    ),
  ];
  return table(['', 'goal', 'reached', 'met'], lines);
}
