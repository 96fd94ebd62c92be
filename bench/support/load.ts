/** As many requests as a server answers, over a number of connections that each wait for their answer. */
import { Agent, request } from 'node:http';
import { quantile, rounded } from './report.js';

export interface Call {
  path: string;
  body: string | null;
  headers: Record<string, string>;
}

export interface LoadResult {
  requests: number;
  requestsPerSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
}

/** The body of one answer. Throws for any status but 200. */
export function call(url: string, { path, body, headers }: Call, agent?: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${url}${path}`,
      { method: body === null ? 'GET' : 'POST', headers, ...(agent ? { agent } : {}) },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(`${response.statusCode}: ${text.slice(0, 300)}`));
        });
      },
    );
    sent.on('error', reject);
    sent.end(body ?? undefined);
  });
}

/** Goes round the calls for so many seconds. */
export async function load(
  url: string,
  calls: readonly Call[],
  { connections, seconds }: { connections: number; seconds: number },
): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const began = performance.now();
  const until = began + seconds * 1000;
  const times: number[] = [];
  let next = 0;
  const client = async () => {
    while (performance.now() < until) {
      const since = performance.now();
      await call(url, calls[next++ % calls.length]!, agent);
      times.push(performance.now() - since);
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  const elapsed = (performance.now() - began) / 1000;
  agent.destroy();
  return {
    requests: times.length,
    requestsPerSecond: rounded(times.length / elapsed),
    p50: rounded(quantile(times, 0.5)),
    p99: rounded(quantile(times, 0.99)),
  };
}
