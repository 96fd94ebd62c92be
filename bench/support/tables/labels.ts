/** What bench/label-size.ts measured. */
import { table } from './markdown.js';

export interface LabelSizeResult {
  readonly sizes: readonly {
    readonly dataset: string;
    /** Values of an image, a byte each. */
    readonly pixels: number;
    readonly bytesPerImage: Readonly<Record<string, number>>;
  }[];
}

const whole = (bytes: number): string => Math.round(bytes).toLocaleString('en-US');

export function labelSizeTable({ sizes }: LabelSizeResult): string {
  const modes = Object.keys(sizes[0]?.bytesPerImage ?? {});
  const rows = sizes.map(({ dataset, pixels, bytesPerImage }) => [
    dataset,
    whole(pixels),
    ...modes.map((mode) => whole(bytesPerImage[mode] ?? Number.NaN)),
  ]);
  return table(['bytes for each image', 'pixels', ...modes], rows);
}
