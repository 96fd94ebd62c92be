/** A real S3 server: SeaweedFS, which set-up puts into node_modules/.bin for the tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { S3Config } from '../../src/platform/object-store/s3-object-store.js';
import { until } from './until.js';

export interface S3Server {
  /** A store of its own for each name. */
  config(bucket: string): S3Config;
  close(): Promise<void>;
}

const WEED = fileURLToPath(new URL('../../../node_modules/.bin/weed', import.meta.url));
const KEYS = { accessKey: 'teddy', secretKey: 'bear-with-a-secret' };

/** Starts a server on free ports and waits until it takes requests (about four seconds). */
export async function startSeaweedfs(): Promise<S3Server> {
  if (!existsSync(WEED)) throw new Error('SeaweedFS is not set up: run npm run bootstrap -- --with-tests');
  const folder = await mkdtemp(join(tmpdir(), 'teddyhub-s3-'));
  const identities = join(folder, 'identities.json');
  const actions = ['Admin', 'Read', 'Write', 'List', 'Tagging'];
  await writeFile(identities, JSON.stringify({ identities: [{ name: 'tests', credentials: [KEYS], actions }] }));
  const names = ['master', 'volume', 'filer', 's3'];
  const ports = await freePorts(2 * names.length);
  const flags = names.flatMap((name, i) => [`-${name}.port=${ports[2 * i]}`, `-${name}.port.grpc=${ports[2 * i + 1]}`]);
  const s3Port = ports[6];
  const server = spawn(
    WEED,
    ['server', `-dir=${folder}`, '-ip=127.0.0.1', '-ip.bind=127.0.0.1', '-s3', `-s3.config=${identities}`, ...flags],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const close = async () => {
    await end(server);
    await rm(folder, { recursive: true, force: true });
  };
  let said = '';
  server.stderr?.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(-2_000);
  });
  const endpoint = `http://127.0.0.1:${s3Port}`;
  try {
    await until('SeaweedFS takes requests', async () => {
      if (server.exitCode !== null) throw new Error(`SeaweedFS ended at its start: ${said}`);
      return (await status(endpoint)) === 403;
    });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    config: (bucket) => ({ kind: 's3', endpoint, publicEndpoint: endpoint, bucket, ...KEYS, region: 'us-east-1' }),
    close,
  };
}

/** An anonymous request is refused as soon as there is somebody to refuse it. */
const status = (url: string): Promise<number | null> =>
  fetch(url).then(
    async (answer) => {
      await answer.arrayBuffer();
      return answer.status;
    },
    () => null,
  );

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

/** Ports that are free now, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            resolve(typeof address === 'object' && address !== null ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
