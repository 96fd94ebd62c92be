/** The minio client, as the configuration wants it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http, { type Agent, Agent as HttpAgent, type IncomingMessage, type RequestOptions } from 'node:http';
import https, { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Client } from 'minio';
import { TeddyhubError } from '../../domain/errors.js';
import type { ObjectStoreConfig } from '../config/env.js';

export type S3Config = Extract<ObjectStoreConfig, { kind: 's3' }>;

const SOCKETS = 64;

export function s3Client(endpoint: string, config: S3Config, idleMs: number): Client {
  const url = new URL(endpoint);
  const useSSL = url.protocol === 'https:';
  return new Client({
    endPoint: url.hostname,
    port: url.port === '' ? (useSSL ? 443 : 80) : Number(url.port),
    useSSL,
    accessKey: config.accessKey,
    secretKey: config.secretKey,
    // Without a region the client would ask the server for it, and the public endpoint may be out of the service's reach.
    region: config.region,
    pathStyle: config.pathStyle,
    transport: transportOf(useSSL),
    transportAgent: agentOf(useSSL, config, idleMs),
    // Its own retries repeat half of the failures, without jitter, and write to the console.
    retryOptions: { disableRetry: true },
  });
}

/** Servers that know these refuse what was damaged on the way; over plain HTTP the signature covers the bytes besides. */
export function checksums(body: Buffer, digest: string): Record<string, string> {
  return {
    'content-md5': createHash('md5').update(body).digest('base64'),
    'x-amz-checksum-sha256': Buffer.from(digest.slice('sha256:'.length), 'hex').toString('base64'),
  };
}

/**
 * The client gives up on these answers without reading them, and a socket with something unread is free for nobody: a store that
 * throttles would have all of them taken until they are idle.
 */
const GIVEN_UP = new Set([408, 429, 499, 500, 502, 503, 504, 520]);

function transportOf(useSSL: boolean): { request: typeof http.request } {
  const { request } = useSSL ? https : http;
  const reading = (options: RequestOptions, done?: (answer: IncomingMessage) => void) =>
    request(options, (answer) => {
      if (GIVEN_UP.has(answer.statusCode ?? 0)) answer.resume();
      done?.(answer);
    });
  return { request: reading as typeof http.request };
}

function agentOf(useSSL: boolean, { caFile }: S3Config, idleMs: number): Agent {
  const options = { keepAlive: true, maxSockets: SOCKETS, timeout: idleMs };
  const agent = useSSL
    ? new HttpsAgent({ ...options, ...(caFile === null ? {} : { ca: readCa(caFile) }) })
    : new HttpAgent(options);
  // An agent's timeout only tells: the connection has to be ended by hand, and the request fails with it.
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (given, done) => {
    const socket = connect(given, done) as Socket | Duplex | null | undefined;
    if (socket !== null && socket !== undefined && 'setTimeout' in socket) {
      socket.setTimeout(idleMs);
      socket.on('timeout', () => socket.destroy(idle(idleMs)));
    }
    return socket;
  };
  return agent;
}

const idle = (idleMs: number): Error =>
  Object.assign(new Error(`nothing moved for ${idleMs} ms`), { code: 'ETIMEDOUT' });

function readCa(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new TeddyhubError('BAD_CONFIGURATION', `S3_CA_FILE: ${path} cannot be read.`, { cause: error });
  }
}
