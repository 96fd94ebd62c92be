/** bench/peers/pytorch_engine.py as a process that answers one request at a time. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { EngineCase } from './engine-cases.js';
import { root } from './report.js';

export type Mode = 'eager' | 'compile';

export interface Peer {
  /** Milliseconds of each step, after `warmup` steps that are not counted. Throws what PyTorch could not do. */
  time(one: EngineCase, mode: Mode, steps: number, warmup: number): Promise<number[]>;
  stop(): void;
}

/** Starts the peer on a Python that has torch. */
export function startPeer(python: string): Peer {
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
