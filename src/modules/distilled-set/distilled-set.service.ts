import { atField, TeddyhubError } from '../../domain/errors.js';
import type { Database } from '../../platform/database/client.js';
import { type ObjectStore, objectCorrupt, objectMissing, verify } from '../../platform/object-store/object-store.js';
import { outsideOfRequests, untimed } from '../../platform/telemetry/request-trace.js';
import type { Reader } from '../context.js';
import type { Connection } from '../kit/connection.js';
import { audit, type Caller, TRANSACTION } from '../kit/mutation.js';
import { notFound, requireUuid } from '../kit/node.js';
import type { PageArguments } from '../kit/paging.js';
import { assertAllowed } from '../kit/permissions.js';
import type { DistilledSetFilter, DistilledSetPublishInput } from './distilled-set.input.js';
import type { DistilledSetRepository } from './distilled-set.repository.js';
import type { DistilledSet } from './distilled-set.type.js';

interface StoredObject {
  key: string;
  digest: string;
  /** Null where the row does not know it. */
  bytes: number | null;
}

export class DistilledSetService {
  /** Readings under way, by set: those who publish one at once wait for one. */
  private readonly checks = new Map<string, Promise<void>>();

  constructor(
    private readonly database: Database,
    private readonly sets: DistilledSetRepository,
    private readonly store: ObjectStore,
  ) {}

  async list(
    { viewer, columns }: Reader,
    filter: DistilledSetFilter | null,
    page: PageArguments,
  ): Promise<Connection<DistilledSet>> {
    assertAllowed(viewer, 'object:read');
    return this.sets.list(viewer.projectId, filter, page, columns);
  }

  /**
   * Makes a set immutable and serves it to trainers, after a look at every byte of it; a set that is PUBLISHED already
   * stays so. Returns its UUID. Throws NOT_FOUND, INVALID_STATE, OBJECT_MISSING, OBJECT_CORRUPT.
   */
  async publish(caller: Caller, input: DistilledSetPublishInput): Promise<string> {
    assertAllowed(caller.viewer, 'distilledSet:publish');
    const { projectId } = caller.viewer;
    const field = ['id'];
    const id = requireUuid('DistilledSet', input.id, field);
    const [set] = await this.sets.byIds(projectId, [id]);
    if (set === undefined) throw notFound('DistilledSet', input.id, field);
    if (set.state === 'PUBLISHED') return id;
    if (set.state === 'ARCHIVED') throw archived(set.name, field);
    // Outside of the transaction: reading takes its time, and the objects of a set never change.
    const objects = await this.objectsOf(projectId, id, set);
    await untimed(() => this.verifyOnce(id, objects));
    await this.database.$transaction(async (tx) => {
      const { count } = await tx.distilledSet.updateMany({
        where: { id, projectId, state: 'STAGING' },
        data: { state: 'PUBLISHED', publishedAt: new Date() },
      });
      if (count === 1) return audit(tx, caller, 'distilledSetPublish', 'DistilledSet', id, { digest: set.digest });
      const now = await tx.distilledSet.findFirst({ where: { id, projectId }, select: { state: true } });
      if (now === null) throw notFound('DistilledSet', input.id, field);
      if (now.state === 'ARCHIVED') throw archived(set.name, field);
    }, TRANSACTION);
    return id;
  }

  private async objectsOf(
    projectId: string,
    id: string,
    set: { manifestKey: string; manifestDigest: string },
  ): Promise<StoredObject[]> {
    const shards = await this.sets.shardsOfSets(projectId, [id]);
    const files = [...shards, ...(await this.sets.labelFilesOfSets(projectId, [id]))];
    return [
      { key: set.manifestKey, digest: set.manifestDigest, bytes: null },
      ...files.map(({ objectKey: key, digest, bytes }) => ({ key, digest, bytes: Number(bytes) })),
    ];
  }

  private verifyOnce(id: string, objects: readonly StoredObject[]): Promise<void> {
    const verifyAll = async () => {
      for (const object of objects) await this.verifyObject(object);
    };
    const check = this.checks.get(id) ?? outsideOfRequests(verifyAll).finally(() => this.checks.delete(id));
    this.checks.set(id, check);
    return check;
  }

  private async verifyObject({ key, digest, bytes }: StoredObject): Promise<void> {
    const found = await this.store.stat(key);
    if (found === null) throw forField(objectMissing(key));
    if (bytes !== null && found.bytes !== bytes) throw forField(objectCorrupt(key, digest));
    await verify(this.store, { key, digest }).catch((error: unknown) => {
      throw forField(error);
    });
  }
}

const archived = (name: string, field: string[]) =>
  new TeddyhubError('INVALID_STATE', `Distilled set ${name} is ARCHIVED and cannot be published.`, { field });

const forField = (error: unknown): unknown => atField(error, ['id']);
