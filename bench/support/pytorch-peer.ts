/** bench/peers/pytorch_engine.py as a process that answers one request at a time. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { EngineCase } from './engine-cases.js';
import { root } from './report.js';

export type Mode = 'eager' | 'compile';

export interface Peer {
  /** Milliseconds of each step, after `warmup` steps that are not counted. Throws what PyTorch could not do. */
  time(one: EngineCase, mode: Mode, steps: number, warmup: number): Promise<number[]>;
  stop(): void;
}

/** Starts the peer on the Python that `npm run check:pytorch` installed, or on another one that has torch; ends in one line where it is not. */
export function startPeer(python = root('.teddyhub/pytorch/venv/bin/python')): Peer {
  if (!existsSync(python)) {
    console.error(
      `engine: there is no ${python}: run npm run check:pytorch once, or name a Python with torch by --python.`,
    );
    process.exit(1);
  }
  const child = spawn(python, [root('bench/peers/pytorch_engine.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const describe = ({ architecture, shape, batch }: EngineCase) => ({
    architecture: architecture.name,
    ...(architecture.name === 'CONVNET' && { width: architecture.width, depth: architecture.depth }),
    height: shape.height,
    width_px: shape.width,
    channels: shape.channels,
    classes: 10,
    batch,
  });
  return {
    async time(one, mode, steps, warmup) {
      child.stdin.write(`${JSON.stringify({ case: describe(one), kind: one.kind, mode, steps, warmup })}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error('PyTorch ended without an answer.');
      const answer = JSON.parse(value) as { milliseconds?: number[]; error?: string };
      if (answer.milliseconds === undefined) throw new Error(`PyTorch: ${answer.error}`);
      return answer.milliseconds;
    },
    stop: () => child.stdin.end(),
  };
}
