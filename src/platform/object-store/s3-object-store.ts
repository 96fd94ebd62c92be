/** Objects in an S3 bucket: MinIO, SeaweedFS, Ceph, AWS and their like, always with path-style addresses. */
import type { Readable } from 'node:stream';
import { Client } from 'minio';
import { TeddyhubError } from '../../domain/errors.js';
import type { ObjectStoreConfig } from '../config/env.js';
import { checkKey } from './keys.js';
import { type ObjectStore, objectMissing } from './object-store.js';

export type S3Config = Extract<ObjectStoreConfig, { kind: 's3' }>;

const MISSING = new Set(['NoSuchKey', 'NotFound']);
const REFUSED = new Set(['AccessDenied', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'AccountProblem']);
const FULL = new Set(['XMinioStorageFull', 'QuotaExceeded', 'XMinioAdminBucketQuotaExceeded', 'InsufficientStorage']);

/** Makes the bucket where it is missing. Throws BAD_CONFIGURATION, UNAVAILABLE. */
export async function openS3ObjectStore(config: S3Config): Promise<ObjectStore> {
  const { bucket } = config;
  const client = clientFor(config.endpoint, config);
  // The signature binds the host, so URLs for the outside are signed for the outside's name of the store.
  const publicClient = clientFor(config.publicEndpoint, config);
  const attempt = async <T>(key: string, work: (key: string) => Promise<T>): Promise<T> => {
    try {
      return await work(checkKey(key));
    } catch (error) {
      throw explain(error, config, key);
    }
  };

  await ensureBucket(client, config);
  return {
    put: (key, bytes) =>
      attempt(key, async () => {
        await client.putObject(
          bucket,
          key,
          Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
          bytes.byteLength,
        );
      }),
    get: (key) => attempt(key, async () => readAll(await client.getObject(bucket, key))),
    stream: (key, range) =>
      attempt(key, () =>
        range === undefined
          ? client.getObject(bucket, key)
          : client.getPartialObject(bucket, key, range.start, range.length),
      ),
    size: (key) =>
      attempt(key, async () => (await client.statObject(bucket, key)).size).catch((error: unknown) => {
        if (error instanceof TeddyhubError && error.code === 'OBJECT_MISSING') return null;
        throw error;
      }),
    async *list(prefix) {
      try {
        for await (const item of client.listObjectsV2(bucket, prefix, true) as AsyncIterable<{ name?: string }>) {
          if (item.name !== undefined) yield item.name;
        }
      } catch (error) {
        throw explain(error, config, prefix);
      }
    },
    delete: (key) => attempt(key, () => client.removeObject(bucket, key)),
    presign: (key, seconds) => attempt(key, () => publicClient.presignedGetObject(bucket, key, seconds)),
  };
}

function clientFor(endpoint: string, config: S3Config): Client {
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
    pathStyle: true,
  });
}

async function ensureBucket(client: Client, config: S3Config): Promise<void> {
  try {
    if (await client.bucketExists(config.bucket)) return;
    await client.makeBucket(config.bucket, config.region);
  } catch (error) {
    const code = codeOf(error);
    // Two processes that start at once both make it.
    if (code === 'BucketAlreadyOwnedByYou' || code === 'BucketAlreadyExists') return;
    throw explain(error, config, '');
  }
}

async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function explain(error: unknown, config: S3Config, key: string): TeddyhubError {
  if (error instanceof TeddyhubError) return error;
  const code = codeOf(error);
  const store = `The object store at ${config.endpoint}`;
  if (MISSING.has(code) && key !== '') return objectMissing(key, error);
  const fail = (failure: 'BAD_CONFIGURATION' | 'STORAGE_FULL' | 'UNAVAILABLE', message: string) =>
    new TeddyhubError(failure, message, { cause: error });
  if (code === 'NoSuchBucket') {
    return fail('BAD_CONFIGURATION', `${store} has no bucket ${config.bucket}: make it or check S3_BUCKET.`);
  }
  if (REFUSED.has(code)) {
    return fail(
      'BAD_CONFIGURATION',
      `${store} refuses access to bucket ${config.bucket} (${code}): check S3_ACCESS_KEY, S3_SECRET_KEY and the rights of that key.`,
    );
  }
  if (FULL.has(code)) return fail('STORAGE_FULL', `${store} has no room left (${code}): free some space, then retry.`);
  return fail('UNAVAILABLE', `${store} does not answer as it should (${code}): check S3_ENDPOINT and that it runs.`);
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  if (error instanceof Error && 'code' in error && error.code !== '') return String(error.code);
  return error instanceof Error && error.message !== '' ? (error.message.split('\n')[0] ?? '') : 'unknown reason';
}
