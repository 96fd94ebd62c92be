/** Uploads in parts: S3's own multipart uploads. */
import type { Client } from 'minio';
import { TeddyhubError } from '../../domain/errors.js';
import { digestOf, type Uploads } from './object-store.js';
import { checksums, type S3Config } from './s3-client.js';

interface Parts {
  client: Client;
  publicClient: Client;
  config: S3Config;
  attempt<T>(key: string, work: (key: string) => Promise<T>): Promise<T>;
}

export function s3Uploads({ client, publicClient, config, attempt }: Parts): Uploads {
  const { bucket } = config;
  return {
    begin: (key) => attempt(key, () => client.initiateNewMultipartUpload(bucket, key, {})),
    put: ({ key, id }, number, bytes) =>
      attempt(key, async () => {
        const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        const query = `partNumber=${number}&uploadId=${encodeURIComponent(id)}`;
        const headers = checksums(body, digestOf(body));
        const answer = await client.makeRequestAsync(
          { method: 'PUT', bucketName: bucket, objectName: key, query, headers },
          body,
        );
        answer.resume();
        return String(answer.headers.etag ?? '').replaceAll('"', '');
      }),
    parts: ({ key, id }) =>
      attempt(key, async () => {
        // biome-ignore lint/complexity/useLiteralKeys: the client keeps it for its subclasses, and has no other way to ask.
        const parts = await client['listParts'](bucket, key, id);
        return parts
          .map(({ part, etag, size }) => ({ number: part, tag: etag.replaceAll('"', ''), bytes: Number(size) }))
          .sort((a, b) => a.number - b.number);
      }),
    newestPart: ({ key, id }) =>
      attempt(key, async () => {
        // biome-ignore lint/complexity/useLiteralKeys: as above.
        const parts = await client['listParts'](bucket, key, id);
        const newest = Math.max(...parts.map(({ lastModified }) => new Date(lastModified ?? 0).getTime()));
        return Number.isFinite(newest) ? new Date(newest) : null;
      }).catch((error: unknown) => {
        if (!isUnknown(error)) throw error;
        return null;
      }),
    presign: ({ key, id }, number, seconds) =>
      attempt(key, () =>
        publicClient.presignedUrl('PUT', bucket, key, seconds, { partNumber: String(number), uploadId: id }),
      ),
    complete: ({ key, id }, parts) =>
      attempt(key, async () => {
        const etags = [...parts]
          .sort((a, b) => a.number - b.number)
          .map(({ number: part, tag: etag }) => ({ part, etag }));
        await client.completeMultipartUpload(bucket, key, id, etags);
      }).catch((error: unknown) => {
        // Some servers say so of a part that is missing as well.
        if (!isUnknown(error)) throw error;
        const message = `The upload of ${key} is not complete: a part did not arrive, or it was given up. Send it again.`;
        throw new TeddyhubError('INVALID_INPUT', message, { cause: error });
      }),
    abort: ({ key, id }) =>
      attempt(key, () => client.abortMultipartUpload(bucket, key, id)).catch((error: unknown) => {
        if (!isUnknown(error)) throw error;
      }),
    async *list() {
      // Not the client's own loop, which asks for the parts of each: one that ends meanwhile would end the list.
      let [keyMarker, idMarker] = ['', ''];
      for (let more = true; more; ) {
        const page = await attempt('uploads', () =>
          client.listIncompleteUploadsQuery(bucket, '', keyMarker, idMarker, ''),
        );
        for (const { key, uploadId, initiated } of page.uploads)
          yield { key, id: uploadId, startedAt: new Date(initiated) };
        more = page.isTruncated;
        [keyMarker, idMarker] = [page.nextKeyMarker, page.nextUploadIdMarker];
      }
    },
  };
}

const isUnknown = (error: unknown): boolean => error instanceof TeddyhubError && error.code === 'NOT_FOUND';
