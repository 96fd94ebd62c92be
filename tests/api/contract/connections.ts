/** Every connection of the schema, found by its type, and rows for it. */
import { type GraphQLSchema, getNamedType, isInputObjectType, isObjectType } from 'graphql';
import { newId } from '../../../src/domain/ids.js';
import type { NodeType } from '../../../src/modules/kit/node.js';
import type { Database } from '../../../src/platform/database/client.js';
import { Prisma } from '../../../src/platform/database/generated/client.js';

export interface ConnectionField {
  /** `Query` or the type of the parent. */
  parent: string;
  field: string;
  node: NodeType;
  /** What it can be sorted by. */
  orders: string[];
}

export const connectionsOf = (schema: GraphQLSchema): ConnectionField[] =>
  Object.values(schema.getTypeMap()).flatMap((type) => {
    if (!isObjectType(type)) return [];
    return Object.values(type.getFields()).flatMap((field) => {
      const { name } = getNamedType(field.type);
      if (!name.endsWith('Connection')) return [];
      const order = field.args.find((argument) => argument.name === 'orderBy')?.type;
      const input = order && getNamedType(order);
      const orderField = isInputObjectType(input) ? getNamedType(input.getFields().field!.type) : undefined;
      const orders =
        orderField && 'getValues' in orderField
          ? orderField.getValues().map((value: { name: string }) => value.name)
          : [];
      return [{ parent: type.name, field: field.name, node: name.replace(/Connection$/, '') as NodeType, orders }];
    });
  });

/** The column of a child that names its parent; the rows of root lists belong to the project, workers to nobody. */
const PARENT_COLUMNS: Record<string, string> = {
  'Dataset.teacherPools': 'datasetId',
  'Dataset.distillationRuns': 'datasetId',
  'TeacherPool.teachers': 'poolId',
  'TeacherPool.distillationRuns': 'poolId',
  'DistillationRun.tasks': 'runId',
  'DistillationRun.derivedRuns': 'originRunId',
  'DistilledSet.shards': 'distilledSetId',
  'DistilledSet.evaluations': 'distilledSetId',
  'DistilledSet.tokens': 'distilledSetId',
  'LabelSet.files': 'labelSetId',
};

/** Columns that no two rows may share. */
const UNIQUE: Partial<Record<NodeType, (serial: number) => Record<string, unknown>>> = {
  Teacher: (serial) => ({ index: serial }),
  ApiKey: (serial) => ({ prefix: serial.toString(16).padStart(8, '0'), successorId: null }),
  DistilledShard: (serial) => ({ index: serial, name: `${serial}.tar` }),
  LabelFile: (serial) => ({ index: serial }),
  DistilledSetToken: (serial) => ({ prefix: serial.toString(16).padStart(8, '0') }),
};

let serial = 1000;

/** Adds a row like `template`, but for its id, what must be unique, and `changes`. Answers its id. */
export async function addLike(
  database: Database,
  node: NodeType,
  template: string,
  changes: Record<string, unknown>,
): Promise<string> {
  serial += 1;
  const id = newId();
  const own = { ...(await runOf(database, node, template)), ...UNIQUE[node]?.(serial) };
  const row = JSON.stringify({ ...changes, ...own, id });
  const table = Prisma.raw(`"${node}"`);
  await database.$executeRaw`
    INSERT INTO ${table} SELECT (jsonb_populate_record(item, ${row}::jsonb)).* FROM ${table} item
    WHERE id = ${template}::uuid`;
  return id;
}

/** A set is made by a run of its own. */
async function runOf(database: Database, node: NodeType, template: string): Promise<Record<string, unknown>> {
  if (node !== 'DistilledSet') return {};
  const { runId } = await database.distilledSet.findUniqueOrThrow({ where: { id: template } });
  return { runId: await addLike(database, 'DistillationRun', runId, {}) };
}

export const remove = (database: Database, node: NodeType, id: string): Promise<unknown> =>
  database.$executeRaw`DELETE FROM ${Prisma.raw(`"${node}"`)} WHERE id = ${id}::uuid`;

/** What a new row of a connection needs to be in it. */
export function belongingTo({ parent, field }: ConnectionField, parentId: string | null): Record<string, unknown> {
  if (parent === 'Query') return {};
  const column = PARENT_COLUMNS[`${parent}.${field}`];
  if (column === undefined)
    throw new Error(`Say in PARENT_COLUMNS which column makes a row one of ${parent}.${field}.`);
  return { [column]: parentId };
}
