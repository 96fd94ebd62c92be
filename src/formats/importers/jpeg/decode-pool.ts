/** Decodes small JPEG files of the plain kind on threads of their own, in batches: the thread that asks has enough to do. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { PlainJpeg } from './decode.js';
import type { Batch, DecodedBatch } from './decode-thread.js';

/** More threads than this wait for the one that feeds them, which waits half of the time itself. */
const MOST_THREADS = 3;

interface Thread {
  readonly worker: Worker;
  /** What it is asked, in the order in which it answers. */
  readonly asked: { resolve(answer: DecodedBatch): void; reject(error: Error): void }[];
}

export interface DecodePool {
  /** The images of the files, null for those that are for somebody else. Their pixels are views of one array. */
  decode(files: readonly Buffer[]): Promise<(PlainJpeg | null)[]>;
  close(): Promise<void>;
}

/** Threads start when there is something to do for them. */
export function openDecodePool(): DecodePool {
  const threads: Thread[] = [];
  const most = Math.min(MOST_THREADS, availableParallelism());

  const start = (): Thread => {
    const thread: Thread = { worker: new Worker(new URL('./decode-thread.js', import.meta.url)), asked: [] };
    thread.worker.on('message', (answer: DecodedBatch) => thread.asked.shift()?.resolve(answer));
    thread.worker.on('error', (error) => {
      for (const { reject } of thread.asked.splice(0)) reject(error as Error);
    });
    threads.push(thread);
    return thread;
  };
  const idlest = (): Thread => {
    const [first] = threads.toSorted((a, b) => a.asked.length - b.asked.length);
    return first === undefined || (first.asked.length > 0 && threads.length < most) ? start() : first;
  };

  return {
    async decode(files) {
      const thread = idlest();
      const batch = toBatch(files);
      const { pixels, shapes } = await new Promise<DecodedBatch>((resolve, reject) => {
        thread.asked.push({ resolve, reject });
        thread.worker.postMessage(batch, [batch.bytes.buffer]);
      });
      let at = 0;
      return files.map((_, i) => {
        const [height = 0, width = 0, channels = 0] = shapes.subarray(3 * i, 3 * i + 3);
        const length = height * width * channels;
        at += length;
        return length === 0 ? null : { pixels: pixels.subarray(at - length, at), height, width, channels };
      });
    },
    close: async () => void (await Promise.all(threads.map(({ worker }) => worker.terminate()))),
  };
}

function toBatch(files: readonly Buffer[]): Batch {
  const ends = new Int32Array(files.length);
  const bytes = new Uint8Array(files.reduce((sum, file) => sum + file.length, 0));
  let used = 0;
  files.forEach((file, i) => {
    bytes.set(file, used);
    used += file.length;
    ends[i] = used;
  });
  return { bytes, ends };
}
