/** The id of an upload says all that has to be known of it, so that nothing is stored of one that is never completed. */
import { z } from 'zod';
import { TeddyhubError } from '../../domain/errors.js';
import type { Upload } from '../../platform/object-store/object-store.js';

const content = z.tuple([z.uuid(), z.string().min(1), z.string().min(1), z.number().int().positive()]);

export interface UploadName {
  /** The last segment of its object's key. */
  object: string;
  /** What the object store calls the upload. */
  storeId: string;
  /** What its owner calls the file. */
  fileName: string;
  /** How many it has. */
  bytes: number;
}

export const encodeUploadId = ({ object, storeId, fileName, bytes }: UploadName): string =>
  Buffer.from(JSON.stringify([object, storeId, fileName, bytes])).toString('base64url');

/** Throws INVALID_INPUT, of the field that the id came in. */
export function decodeUploadId(id: string, field: readonly string[] = ['uploadId']): UploadName {
  try {
    const [object, storeId, fileName, bytes] = content.parse(JSON.parse(Buffer.from(id, 'base64url').toString('utf8')));
    return { object, storeId, fileName, bytes };
  } catch (cause) {
    throw new TeddyhubError('INVALID_INPUT', 'This is not the id of an upload.', { cause, field });
  }
}

/** An upload is its project's: in another project the same id names an object that is not there. */
const keyOf = (object: string, projectId: string): string => `uploads/${projectId}/${object}`;

export function storeUploadOf(id: string, projectId: string): Upload {
  const { object, storeId } = decodeUploadId(id);
  return { key: keyOf(object, projectId), id: storeId };
}

export function uploadedObject(id: string, projectId: string, field: readonly string[]): { key: string; name: string } {
  const { object, fileName } = decodeUploadId(id, field);
  return { key: keyOf(object, projectId), name: fileName };
}
