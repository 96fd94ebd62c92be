/** An object as rows keep it, and as everything else names it. */
import type { ObjectRef } from '../../domain/jobs/references.js';

export const objectRefOf = (row: { objectKey: string; digest: string; bytes: bigint }): ObjectRef => ({
  key: row.objectKey,
  digest: row.digest,
  bytes: Number(row.bytes),
});
