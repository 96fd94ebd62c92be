import type { Viewer } from '../../domain/viewer.js';
import type { Transaction } from '../../platform/database/client.js';
import { assertAllowed } from '../kit/permissions.js';
import type { StorageUse } from './storage.type.js';

export class StorageService {
  constructor(private readonly database: Transaction) {}

  async ofProject(viewer: Viewer): Promise<StorageUse[]> {
    assertAllowed(viewer, 'object:read');
    const { projectId } = viewer;
    const rows = await this.database.$queryRaw<{ kind: StorageUse['kind']; objects: bigint; bytes: bigint }[]>`
      WITH named AS (
        SELECT 'DATASETS' AS kind, s."objectKey" AS key, s.bytes FROM "DatasetShard" s
          JOIN "Dataset" d ON d.id = s."datasetId" WHERE d."projectId" = ${projectId}::uuid
        UNION SELECT 'TEACHERS', t."checkpointKey", t."checkpointBytes" FROM "Teacher" t
          JOIN "TeacherPool" p ON p.id = t."poolId" WHERE p."projectId" = ${projectId}::uuid
        UNION SELECT 'DISTILLED_SETS', s."objectKey", s.bytes FROM "DistilledShard" s
          JOIN "DistilledSet" d ON d.id = s."distilledSetId" WHERE d."projectId" = ${projectId}::uuid
        UNION SELECT 'LABELS', f."objectKey", f.bytes FROM "LabelFile" f
          JOIN "LabelSet" l ON l.id = f."labelSetId" JOIN "DistilledSet" d ON d.id = l."distilledSetId"
          WHERE d."projectId" = ${projectId}::uuid
      )
      SELECT kind, count(*) AS objects, sum(bytes)::bigint AS bytes FROM named GROUP BY kind ORDER BY kind`;
    return rows.map(({ kind, objects, bytes }) => ({ kind, objects: Number(objects), bytes }));
  }
}
