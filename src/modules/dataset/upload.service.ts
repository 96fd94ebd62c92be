/** Files that clients bring: in parts, straight into the object store where it takes them, else through the API. */
import { randomUUID } from 'node:crypto';
import { TeddyhubError } from '../../domain/errors.js';
import type { Viewer } from '../../domain/viewer.js';
import { MIN_PART_BYTES, type ObjectStore } from '../../platform/object-store/object-store.js';
import { requireName } from '../kit/input.js';
import { assertAllowed } from '../kit/permissions.js';
import type { DatasetUpload, DatasetUploadBeginInput, DatasetUploadCompleteInput } from './upload.type.js';
import { encodeUploadId, storeUploadOf } from './upload-id.js';

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
    const name = requireName(input.fileName, ['fileName']);
    const partBytes = Math.max(PART_BYTES, Math.ceil(bytes / MAX_PARTS / MIN_PART_BYTES) * MIN_PART_BYTES);
    if (!(bytes > 0) || partBytes > MAX_PART_BYTES) {
      throw new TeddyhubError('INVALID_INPUT', `A file has 1 to ${MAX_PARTS * MAX_PART_BYTES} bytes.`, {
        field: ['bytes'],
      });
    }
    const object = randomUUID();
    const key = `uploads/${viewer.projectId}/${object}`;
    const upload = { key, id: await this.store.uploads.begin(key) };
    const id = encodeUploadId({ object, storeId: upload.id, fileName: name });
    const numbers = Array.from({ length: Math.ceil(bytes / partBytes) }, (_, index) => index + 1);
    const parts = await Promise.all(
      numbers.map(async (number) => ({
        number,
        url:
          (await this.store.uploads.presign(upload, number, PRESIGNED_SECONDS)) ?? `/v1/uploads/${id}/parts/${number}`,
      })),
    );
    return { id, partBytes, parts };
  }

  async complete(viewer: Viewer, { uploadId, parts }: DatasetUploadCompleteInput): Promise<DatasetUpload> {
    assertAllowed(viewer, 'dataset:import');
    await this.store.uploads.complete(storeUploadOf(uploadId, viewer.projectId), parts);
    return { id: uploadId, partBytes: 0, parts: [] };
  }

  /** Takes one part where the object store cannot take it itself. Answers its tag. */
  putPart(viewer: Viewer, uploadId: string, number: number, bytes: Uint8Array): Promise<string> {
    assertAllowed(viewer, 'dataset:import');
    return this.store.uploads.put(storeUploadOf(uploadId, viewer.projectId), number, bytes);
  }
}

/** What one part may have when it comes through the API: those of files up to 256 GB. */
export const MAX_RELAYED_BYTES = 256 * 2 ** 20;
