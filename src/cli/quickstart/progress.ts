/** One progress bar a phase, on standard error: a moving bar on a terminal, a line every few seconds elsewhere. */
import { Presets, SingleBar } from 'cli-progress';

export interface Phase {
  update(fraction: number, detail?: string): void;
  /** Ends the bar and gives the phase's length in seconds. */
  done(detail?: string): number;
  /** Ends the bar where it stands. */
  abandon(): void;
}

const LABEL_WIDTH = 11;

export function startPhase(label: string): Phase {
  const started = performance.now();
  const bar = new SingleBar(
    {
      format: `  ${label.padEnd(LABEL_WIDTH)} {bar} {percentage}% | {elapsed} s | {detail}`,
      hideCursor: true,
      clearOnComplete: false,
      noTTYOutput: true,
      notTTYSchedule: 5_000,
      barsize: 30,
      stream: process.stderr,
    },
    Presets.shades_classic,
  );
  const seconds = () => (performance.now() - started) / 1000;
  let fraction = 0;
  let detail = '';
  const show = () => bar.update(Math.round(fraction * 1000), { detail, elapsed: seconds().toFixed(0) });
  bar.start(1000, 0, { detail, elapsed: '0' });
  const tick = setInterval(show, 500);
  const finish = () => {
    clearInterval(tick);
    show();
    bar.stop();
  };
  return {
    update(newFraction, newDetail) {
      fraction = Math.min(1, Math.max(fraction, newFraction));
      detail = newDetail ?? detail;
      show();
    },
    done(newDetail) {
      fraction = 1;
      detail = newDetail ?? detail;
      finish();
      return seconds();
    },
    abandon: finish,
  };
}
