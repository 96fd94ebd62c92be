/** Relay's Node: every object has one opaque id that is unique in the whole graph. */
import 'reflect-metadata';
import { Field, ID, InterfaceType } from 'type-graphql';
import { TeddyhubError } from '../../domain/errors.js';
import { type Columns, columnsOfTable, Reads } from './columns.js';

export const NODE_TYPES = [
  'Dataset',
  'TeacherPool',
  'Teacher',
  'DistillationRun',
  'Task',
  'DistilledSet',
  'Evaluation',
  'Worker',
  'ApiKey',
  'AuditEvent',
  'Project',
  'DistilledShard',
  'LabelSet',
  'LabelFile',
  'DistilledSetToken',
] as const;

export type NodeType = (typeof NODE_TYPES)[number];

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** base64url of `Type:uuid`. Clients treat it as opaque. */
export const toGlobalId = (type: NodeType, uuid: string): string =>
  Buffer.from(`${type}:${uuid}`).toString('base64url');

/** The type and UUID of a global id, or null where it is none. */
export function readGlobalId(globalId: string): { type: NodeType; uuid: string } | null {
  const [name, uuid, ...rest] = Buffer.from(globalId, 'base64url').toString('utf8').split(':');
  const type = NODE_TYPES.find((candidate) => candidate === name);
  if (type === undefined || uuid === undefined || rest.length > 0 || !UUID.test(uuid)) return null;
  return toGlobalId(type, uuid) === globalId ? { type, uuid } : null;
}

/** The UUID of a global id that must name a `type`. Throws NOT_FOUND: a malformed id names nothing. */
export function requireUuid(type: NodeType, globalId: string, field?: readonly string[]): string {
  const parsed = readGlobalId(globalId);
  if (parsed?.type === type) return parsed.uuid;
  throw notFound(type, globalId, field);
}

export const notFound = (type: NodeType, globalId: string, field?: readonly string[]): TeddyhubError =>
  new TeddyhubError('NOT_FOUND', `There is no ${type} with the id ${globalId.slice(0, 100)}.`, field ? { field } : {});

@InterfaceType({
  description: 'An object with an id that is unique in the whole graph.',
  resolveType: (value: Node) => value.typeName,
})
export abstract class Node {
  abstract readonly typeName: NodeType;
  /** The UUID of the row. */
  id!: string;

  @Reads()
  @Field(() => ID, { name: 'id', description: 'Opaque; the same object always has the same one.' })
  globalId(): string {
    return toGlobalId(this.typeName, this.id);
  }
}

/** What a row must hold to become a `T`: its fields without its methods. */
export type DataOf<T> = Omit<
  { [K in keyof T as T[K] extends (...args: never[]) => unknown ? never : K]: T[K] },
  'typeName'
>;

/** The GraphQL object of a database row, of which `columns` were read; by default all. */
export const fromRow = <T extends Node>(type: new () => T, row: DataOf<T>, columns?: Columns): T =>
  Object.assign(new (columns ? partOf(type, columns) : type)(), row);

/** By columns: each array of them is of one type. */
const parts = new WeakMap<Columns, new () => Node>();

/** The class with a complaint in place of every column that was not read, for a null would look like an answer. */
function partOf<T extends Node>(type: new () => T, columns: Columns): new () => T {
  const known = parts.get(columns);
  if (known) return known as new () => T;
  const Part = class extends (type as new () => object) {} as new () => T;
  for (const column of columnsOfTable(type.name as NodeType).filter((name) => !columns.includes(name))) {
    const get = () => {
      throw new Error(`${type.name}.${column} was not read: say with @Reads that the field needs it.`);
    };
    Object.defineProperty(Part.prototype, column, { get });
  }
  parts.set(columns, Part);
  return Part;
}
