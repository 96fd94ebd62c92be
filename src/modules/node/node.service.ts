import { TeddyhubError } from '../../domain/errors.js';
import type { Viewer } from '../../domain/viewer.js';
import type { Loaders } from '../index.js';
import { type Node, type NodeType, readGlobalId } from '../kit/node.js';
import { assertAllowed, readPermission } from '../kit/permissions.js';
import type { NodeOf } from './node-loaders.js';

interface Reader {
  viewer: Viewer;
  loaders: Loaders;
}

/** The way to one object, by whatever path: the loaders know the objects of the viewer's project, and no others. */
export class NodeService {
  /** The object that a client asks for; null where the id is malformed, of another type, or names nothing. */
  async get<T extends NodeType>(reader: Reader, type: T, globalId: string): Promise<NodeOf[T] | null> {
    assertAllowed(reader.viewer, readPermission(type));
    const id = readGlobalId(globalId);
    return id?.type === type ? reader.loaders.nodes[type].load(id.uuid) : null;
  }

  async find(reader: Reader, globalId: string): Promise<Node | null> {
    assertAllowed(reader.viewer, 'object:read');
    const id = readGlobalId(globalId);
    if (id) assertAllowed(reader.viewer, readPermission(id.type));
    return id ? reader.loaders.nodes[id.type].load(id.uuid) : null;
  }

  /**
   * What a mutation has just written, or an earlier one under the same idempotency key. Not to be awaited, but handed on as the
   * field of a payload: it is committed by then, and where it cannot be read back (NOT_FOUND when it was deleted since), that
   * field alone is an error, and only where it is asked for.
   */
  reload<T extends NodeType>(reader: Reader, type: T, uuid: string | null): Promise<NodeOf[T] | null> {
    const written = this.readBack(reader, type, uuid);
    written.catch(() => undefined);
    return written;
  }

  private async readBack<T extends NodeType>(reader: Reader, type: T, uuid: string | null): Promise<NodeOf[T] | null> {
    if (uuid === null) return null;
    reader.loaders.nodes[type].clear(uuid);
    const written = await reader.loaders.nodes[type].load(uuid);
    if (written === null) throw new TeddyhubError('NOT_FOUND', `${type} ${uuid} was made and has been deleted since.`);
    return written;
  }

  relatedOrNull<T extends NodeType>(reader: Reader, type: T, uuid: string | null): Promise<NodeOf[T] | null> {
    return uuid === null ? Promise.resolve(null) : reader.loaders.nodes[type].load(uuid);
  }

  /** An object that a foreign key vouches for, so that it is there; were it not, the null would be an error of its field. */
  related<T extends NodeType>(reader: Reader, type: T, uuid: string): Promise<NodeOf[T]> {
    return reader.loaders.nodes[type].load(uuid) as Promise<NodeOf[T]>;
  }
}
