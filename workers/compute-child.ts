/** A compute child as its supervisor sees it: one attempt in a process of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Failure, TeddyhubError } from '../src/domain/errors.js';
import { KEEP_MEMORY } from './keep-memory.js';
import type { Assignment, Device, FromChild, ToChild } from './protocol.js';

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));
/** From the polite signal to the one that cannot be ignored. */
const KILL_AFTER_MS = 2_000;
/** Lines of the child's output that are kept for the log of a crash. */
const OUTPUT_LINES = 20;

export type ChildEnd =
  | { type: 'RESULT'; result: unknown }
  | { type: 'UNREADABLE'; what: string }
  | { type: 'FAILURE'; failure: Failure; detail: string }
  /** The process ended without either: out of memory, a segmentation fault, somebody's kill. */
  | { type: 'CRASH'; how: string; output: readonly string[] };

export interface ComputeChild {
  readonly pid: number | undefined;
  /** Never rejects; resolves when the process is gone. */
  readonly ended: Promise<ChildEnd>;
  /** Asks for a checkpoint soon. */
  drain(): void;
  /** SIGTERM, and SIGKILL where that does not help. Resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGKILL. */
  killNow(): void;
}

export interface ChildReports {
  progress(step: number, totalSteps: number, loss: number | null): void;
  metric(name: string, step: number, value: number): void;
  /** Resolves when the checkpoint is recorded; rejects when it cannot be. */
  checkpoint(key: string, step: number): Promise<void>;
}

/** Starts a child on an assignment. A checkpoint that cannot be recorded does not stop it: the one before stays. */
export function startComputeChild(assignment: Assignment, reports: ChildReports): ComputeChild {
  const process = forkChild();
  const output = keepLastLines(process);
  let end: ChildEnd | undefined;

  process.on('message', (message: FromChild) => {
    switch (message.type) {
      case 'PROGRESS':
        reports.progress(message.step, message.totalSteps, message.loss);
        break;
      case 'METRIC':
        reports.metric(message.name, message.step, message.value);
        break;
      case 'CHECKPOINT': {
        const answer = () => tell(process, { type: 'CHECKPOINT_ANSWERED' });
        reports.checkpoint(message.key, message.step).then(answer, answer);
        break;
      }
      case 'RESULT':
      case 'UNREADABLE':
      case 'FAILURE':
        end = message;
        break;
      case 'DEVICE':
        break;
    }
  });
  const ended = new Promise<ChildEnd>((resolve) => {
    // 'close' and not 'exit': only then has all of its output and every message been read.
    process.once('close', (code, signal) => resolve(end ?? { type: 'CRASH', how: howOf(code, signal), output }));
    process.once('error', (error) => resolve({ type: 'CRASH', how: error.message, output }));
  });
  tell(process, { type: 'RUN', assignment });

  return {
    pid: process.pid,
    ended,
    drain: () => tell(process, { type: 'DRAIN' }),
    async kill() {
      process.kill('SIGTERM');
      const timer = setTimeout(() => process.kill('SIGKILL'), KILL_AFTER_MS);
      await ended;
      clearTimeout(timer);
    },
    killNow: () => void process.kill('SIGKILL'),
  };
}

/** Asks a child what it computes on. Throws BAD_CONFIGURATION with one line when it cannot compute here. */
export async function probeDevice(): Promise<Device> {
  const process = forkChild();
  const output = keepLastLines(process);
  let device: Device | undefined;
  let reason: string | undefined;
  process.on('message', (message: FromChild) => {
    if (message.type === 'DEVICE') device = message.device;
    if (message.type === 'FAILURE') reason = message.detail.split('\n')[0];
  });
  tell(process, { type: 'PROBE' });
  await new Promise<void>((resolve) => {
    process.once('close', () => resolve());
    process.once('error', () => resolve());
  });
  if (device !== undefined) return device;
  const said = reason ?? output.at(-1) ?? 'it gave no reason';
  throw new TeddyhubError('BAD_CONFIGURATION', `The worker cannot compute here (${said}): run npm run bootstrap.`);
}

/** CUDA counts GPUs by speed otherwise, and nvidia-smi, which names ours, by their slots. */
const SAME_ORDER = { CUDA_DEVICE_ORDER: 'PCI_BUS_ID' };

const QUIET = { TF_CPP_MIN_LOG_LEVEL: '2', NODE_NO_WARNINGS: '1' };

function forkChild(): ChildProcess {
  return fork(CHILD, {
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // A group of its own: Ctrl-C reaches every process of a terminal's, and the supervisor decides what becomes of this one. It
    // cannot catch the signal in its place: where there is no AVX-512, TensorFlow's matrix products have their stack
    // in a buffer of the heap, and a handler that runs on it damages what lies below. Nothing in the child handles a signal.
    detached: true,
    // TensorFlow's notes on the machine's instruction sets would bury what is worth reading.
    env: { ...QUIET, ...SAME_ORDER, ...KEEP_MEMORY, ...process.env },
  });
}

/** A child that is gone cannot be told anything; its end says so elsewhere. */
function tell(child: ChildProcess, message: ToChild): void {
  if (child.connected) child.send(message, () => undefined);
}

function keepLastLines(child: ChildProcess): readonly string[] {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (lines.length > OUTPUT_LINES) lines.shift();
    });
  }
  return lines;
}

function howOf(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal === 'SIGKILL') return 'it was killed by SIGKILL (out of memory?)';
  return signal === null ? `it exited with status ${code}` : `it was ended by ${signal}`;
}
