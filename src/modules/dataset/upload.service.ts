/** Files that clients bring: in parts, straight into the object store where it takes them, else through the API. */
import { randomUUID } from 'node:crypto';
import { TeddyhubError } from '../../domain/errors.js';
import type { Viewer } from '../../domain/viewer.js';
import {
  completeUpload,
  MIN_PART_BYTES,
  type ObjectStore,
  type StoredPart,
  type Upload,
} from '../../platform/object-store/object-store.js';
import { requireName } from '../kit/input.js';
import { assertAllowed } from '../kit/permissions.js';
import type {
  DatasetUpload,
  DatasetUploadBeginInput,
  DatasetUploadCompleteInput,
  DatasetUploadResumeInput,
} from './upload.type.js';
import { decodeUploadId, encodeUploadId, storeUploadOf } from './upload-id.js';

/** S3 takes up to 10,000 parts; a thousand URLs are enough for one answer. */
const MAX_PARTS = 1000;
const PART_BYTES = 16 * 2 ** 20;
const MAX_PART_BYTES = 5 * 2 ** 30;
const PRESIGNED_SECONDS = 6 * 3600;

export class UploadService {
  constructor(private readonly store: ObjectStore) {}

  async begin(viewer: Viewer, input: DatasetUploadBeginInput): Promise<DatasetUpload> {
    assertAllowed(viewer, 'dataset:import');
    const bytes = Number(input.bytes);
    const fileName = requireName(input.fileName, ['fileName']);
    const partBytes = partBytesOf(bytes);
    const object = randomUUID();
    const key = `uploads/${viewer.projectId}/${object}`;
    const storeId = await this.store.uploads.begin(key);
    return this.toUpload(encodeUploadId({ object, storeId, fileName, bytes }), { key, id: storeId }, bytes, partBytes);
  }

  /** The same upload with new URLs, and the tags of the parts that have arrived; without parts once it is complete. */
  async resume(viewer: Viewer, { uploadId }: DatasetUploadResumeInput): Promise<DatasetUpload> {
    assertAllowed(viewer, 'dataset:import');
    const { bytes } = decodeUploadId(uploadId);
    const partBytes = partBytesOf(bytes);
    const upload = storeUploadOf(uploadId, viewer.projectId);
    const stored = await this.partsOf(upload, bytes);
    return stored === null ? completed(uploadId) : this.toUpload(uploadId, upload, bytes, partBytes, stored);
  }

  /** Null once it is complete: the object is there then, and its parts are forgotten. */
  private partsOf(upload: Upload, bytes: number): Promise<StoredPart[] | null> {
    return this.store.uploads.parts(upload).catch(async (error: unknown) => {
      if ((await this.store.stat(upload.key))?.bytes === bytes) return null;
      throw error;
    });
  }

  private async toUpload(
    id: string,
    upload: Upload,
    bytes: number,
    partBytes: number,
    stored: readonly StoredPart[] = [],
  ): Promise<DatasetUpload> {
    const { uploads } = this.store;
    const numbers = Array.from({ length: Math.ceil(bytes / partBytes) }, (_, index) => index + 1);
    const parts = numbers.map(async (number) => {
      const whole = Math.min(partBytes, bytes - (number - 1) * partBytes);
      const there = stored.find((part) => part.number === number && part.bytes === whole);
      const url = await uploads.presign(upload, number, PRESIGNED_SECONDS);
      return { number, url: url ?? `/v1/uploads/${id}/parts/${number}`, tag: there?.tag ?? null };
    });
    return { id, partBytes, parts: await Promise.all(parts) };
  }

  async complete(viewer: Viewer, { uploadId, parts }: DatasetUploadCompleteInput): Promise<DatasetUpload> {
    assertAllowed(viewer, 'dataset:import');
    const upload = storeUploadOf(uploadId, viewer.projectId);
    const { bytes } = decodeUploadId(uploadId);
    const there = await this.partsOf(upload, bytes);
    if (there === null) return completed(uploadId);
    const named = new Set(parts.map(({ number }) => number));
    if (named.size < parts.length) {
      throw new TeddyhubError('INVALID_INPUT', 'A part is named twice: name each once.', { field: ['parts'] });
    }
    const stored = there.filter(({ number }) => named.has(number));
    const found = stored.reduce((sum, part) => sum + part.bytes, 0);
    if (found !== bytes) {
      const problem = `The parts have ${found} bytes, the file ${bytes}: send those that are missing.`;
      throw new TeddyhubError('INVALID_INPUT', problem, { field: ['parts'] });
    }
    await completeUpload(this.store, upload, parts, bytes);
    return completed(uploadId);
  }

  /**
   * Refuses a part that the upload has not, or that has more bytes than it may: before its body is read, of which `bytes` are announced.
   * Throws INVALID_INPUT.
   */
  expectPart(viewer: Viewer, uploadId: string, number: number, bytes: number): void {
    assertAllowed(viewer, 'dataset:import');
    const whole = decodeUploadId(uploadId).bytes;
    const partBytes = partBytesOf(whole);
    const parts = Math.ceil(whole / partBytes);
    const field = ['number'];
    if (!Number.isInteger(number) || number < 1 || number > parts) {
      throw new TeddyhubError('INVALID_INPUT', `The upload has parts 1 to ${parts}.`, { field });
    }
    const most = Math.min(partBytes, whole - (number - 1) * partBytes);
    if (bytes > most)
      throw new TeddyhubError('INVALID_INPUT', `Part ${number} has ${most} bytes, not ${bytes}.`, { field });
  }

  /** Takes one part where the object store cannot take it itself. Answers its tag. */
  putPart(viewer: Viewer, uploadId: string, number: number, bytes: Uint8Array): Promise<string> {
    this.expectPart(viewer, uploadId, number, bytes.byteLength);
    return this.store.uploads.put(storeUploadOf(uploadId, viewer.projectId), number, bytes);
  }
}

const completed = (id: string): DatasetUpload => ({ id, partBytes: 0, parts: [] });

function partBytesOf(bytes: number): number {
  const partBytes = Math.max(PART_BYTES, Math.ceil(bytes / MAX_PARTS / MIN_PART_BYTES) * MIN_PART_BYTES);
  if (bytes > 0 && partBytes <= MAX_PART_BYTES) return partBytes;
  throw new TeddyhubError('INVALID_INPUT', `A file has 1 to ${MAX_PARTS * MAX_PART_BYTES} bytes.`, {
    field: ['bytes'],
  });
}

/** What one part may have when it comes through the API: those of files up to 256 GB. */
export const MAX_RELAYED_BYTES = 256 * 2 ** 20;
