/** Objects in an S3 bucket: MinIO, SeaweedFS, Ceph, AWS and their like. */
import type { Readable } from 'node:stream';
import type { Client } from 'minio';
import { TeddyhubError } from '../../domain/errors.js';
import { checkKey } from './keys.js';
import { type ByteRange, checkDigest, type ListedObject, type ObjectStore } from './object-store.js';
import { resumedStream } from './resumed-stream.js';
import { type Patience, withRetries } from './retry.js';
import { checksums, type S3Config, s3Client } from './s3-client.js';
import { explain, isTransient } from './s3-errors.js';
import { s3Uploads } from './s3-uploads.js';

export type { S3Config } from './s3-client.js';

const TYPES: Record<string, string> = { '.tar': 'application/x-tar', '.json': 'application/json' };
const OTHER_TYPE = 'application/octet-stream';

/** Makes the bucket where it is missing. Throws BAD_CONFIGURATION, UNAVAILABLE. */
export async function openS3ObjectStore(config: S3Config, patience: Patience): Promise<ObjectStore> {
  const client = s3Client(config.endpoint, config, patience.idleMs);
  // Somebody may sit before a start: a wrong address is told within seconds.
  await ensureBucket(client, config, { ...patience, attempts: Math.min(patience.attempts, 5) });
  return s3ObjectStore(config, patience);
}

/** The store in a bucket that is there. */
export function s3ObjectStore(config: S3Config, patience: Patience): ObjectStore {
  const { bucket } = config;
  const client = s3Client(config.endpoint, config, patience.idleMs);
  // The signature binds the host, so URLs for the outside are signed for the outside's name of the store.
  const publicClient = s3Client(config.publicEndpoint, config, patience.idleMs);
  const attempt = async <T>(key: string, work: (key: string) => Promise<T>): Promise<T> => {
    try {
      return await withRetries(patience, isTransient, () => work(checkKey(key)));
    } catch (error) {
      throw explain(error, config, key);
    }
  };
  const open = (key: string, range?: ByteRange): Promise<Readable> =>
    range === undefined
      ? client.getObject(bucket, key)
      : client.getPartialObject(bucket, key, range.start, range.length);
  const stat = async (key: string) => {
    const { size, lastModified } = await client.statObject(bucket, key);
    return { bytes: size, modifiedAt: lastModified };
  };

  return {
    put: (key, bytes, digest) =>
      attempt(key, async () => {
        const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        const headers = { ...checksums(body, checkDigest(key, body, digest)), 'content-type': typeOf(key) };
        await client.makeRequestAsyncOmit({ method: 'PUT', bucketName: bucket, objectName: key, headers }, body);
      }),
    get: (key, range) =>
      range?.length === 0
        ? Promise.resolve(Buffer.alloc(0))
        : attempt(key, async () => readAll(await open(key, range))),
    stream: async (key, range) => {
      const whole = range ?? { start: 0, length: (await attempt(key, stat)).bytes };
      const first = await attempt(key, () => open(key, range));
      const again = (rest: ByteRange) => open(key, rest);
      return resumedStream(whole, first, again, patience, isTransient, (error) => explain(error, config, key));
    },
    stat: (key) =>
      attempt(key, stat).catch((error: unknown) => {
        if (error instanceof TeddyhubError && error.code === 'OBJECT_MISSING') return null;
        throw error;
      }),
    list: (prefix) => list(client, config, prefix, patience),
    delete: (key) => attempt(key, () => client.removeObject(bucket, key)),
    presign: (key, seconds, { type } = {}) =>
      attempt(key, () =>
        publicClient.presignedGetObject(
          bucket,
          key,
          seconds,
          type === undefined ? {} : { 'response-content-type': type },
        ),
      ),
    uploads: s3Uploads({ client, publicClient, config, attempt }),
  };
}

const typeOf = (key: string): string => TYPES[key.slice(key.lastIndexOf('.'))] ?? OTHER_TYPE;

async function* list(
  client: Client,
  config: S3Config,
  prefix: string,
  patience: Patience,
): AsyncGenerator<ListedObject> {
  for (let token = ''; ; ) {
    const page = await withRetries(patience, isTransient, () =>
      client.listObjectsV2Query(config.bucket, prefix, token, '', 1000, ''),
    ).catch((error: unknown) => {
      throw explain(error, config, '');
    });
    for (const { name, size, lastModified } of page.objects) {
      if (name === undefined || lastModified === undefined) continue;
      yield { key: name, bytes: Number(size), modifiedAt: new Date(lastModified) };
    }
    if (!page.isTruncated) return;
    token = page.nextContinuationToken;
  }
}

async function ensureBucket(client: Client, config: S3Config, patience: Patience): Promise<void> {
  const { bucket, region } = config;
  try {
    await withRetries(patience, isTransient, async () => {
      if (await client.bucketExists(bucket)) return;
      await client.makeBucket(bucket, region).catch((error: unknown) => {
        // Two processes that start at once both make it.
        const code = error instanceof Error && 'code' in error ? error.code : '';
        if (code !== 'BucketAlreadyOwnedByYou' && code !== 'BucketAlreadyExists') throw error;
      });
    });
  } catch (error) {
    throw explain(error, config, '');
  }
}

async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
