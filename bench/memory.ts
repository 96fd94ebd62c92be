/**
 * What one image more costs in memory, network by network: of the most that a process had over steps of synthesis on 10 and
 * on 20 images, a tenth of the difference. With the small stem at 64 pixels, and the large one at 96. Writes
 * bench/results/memory.json, by which src/domain/architectures.ts sizes tasks.
 *
 *     npm run bench -- memory
 */
import { type ArchitectureConfig, architectureConfig, FIXED_ARCHITECTURES } from '../src/domain/config/architecture.js';
import { optionsOf } from './support/options.js';
import { about, rounded, writeResult } from './support/report.js';
import { memoryOfStep } from './support/scaling.js';

optionsOf('memory', {});
const [FEW, MANY] = [10, 20];
const networks: readonly ArchitectureConfig[] = [
  ...[16, 128].map((width) => architectureConfig.parse({ width })),
  ...FIXED_ARCHITECTURES.map((name) => architectureConfig.parse({ name })),
];

const rows = [];
for (const architecture of networks) {
  for (const side of [64, 96]) {
    const shape = { height: side, width: side, channels: 3 };
    const of = (batch: number) => memoryOfStep({ kind: 'SYNTHESIS', architecture, shape, batch });
    const mebibytes = ((await of(MANY)) - (await of(FEW))) / (MANY - FEW);
    const kibibytesPerPixel = rounded((1024 * mebibytes) / side ** 2);
    rows.push({ architecture, side, mebibytes: rounded(mebibytes), kibibytesPerPixel });
    process.stdout.write(`${JSON.stringify(rows.at(-1))}\n`);
  }
}
writeResult('memory', { ...about('npm run bench -- memory'), rows });
