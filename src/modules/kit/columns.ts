/**
 * Which columns an operation needs of the rows that it reads. A row of a dataset or a pool is long, and most operations ask for
 * its name: what is not asked for is neither read nor sent nor parsed. It is so only where it is sure: every field says what its
 * resolver reads, and an operation with a field that does not say reads whole rows.
 */
import { Extensions } from 'type-graphql';
import { Prisma } from '../../platform/database/generated/client.js';
import type { NodeType } from './node.js';

export type Columns = readonly string[];

/** Undefined: all of them. */
export type ColumnsOf = (type: NodeType) => Columns | undefined;

export const wholeRows: ColumnsOf = () => undefined;

const READS = 'reads';

/** Of a field with a resolver: the columns of its own object that the resolver reads, besides the id. It reads no other object. */
export const Reads = (...columns: string[]): MethodDecorator & PropertyDecorator => Extensions({ [READS]: columns });

/** What `Reads` said of a field; undefined where it said nothing. */
export const readsOf = ({ extensions }: { extensions: Readonly<Record<string, unknown>> }): Columns | undefined =>
  extensions[READS] as Columns | undefined;

const FIELDS = {
  Dataset: Prisma.DatasetScalarFieldEnum,
  TeacherPool: Prisma.TeacherPoolScalarFieldEnum,
  Teacher: Prisma.TeacherScalarFieldEnum,
  DistillationRun: Prisma.DistillationRunScalarFieldEnum,
  Task: Prisma.TaskScalarFieldEnum,
  DistilledSet: Prisma.DistilledSetScalarFieldEnum,
  Evaluation: Prisma.EvaluationScalarFieldEnum,
  Worker: Prisma.WorkerScalarFieldEnum,
  ApiKey: Prisma.ApiKeyScalarFieldEnum,
  AuditEvent: Prisma.AuditEventScalarFieldEnum,
  Project: Prisma.ProjectScalarFieldEnum,
  DistilledShard: Prisma.DistilledShardScalarFieldEnum,
  LabelSet: Prisma.LabelSetScalarFieldEnum,
  LabelFile: Prisma.LabelFileScalarFieldEnum,
  DistilledSetToken: Prisma.DistilledSetTokenScalarFieldEnum,
} satisfies Record<NodeType, object>;

/** Reports of imports, of up to 100,000 records each: their fields read the first of them by themselves. */
const READ_APART: Partial<Record<NodeType, Columns>> = { Dataset: ['skippedRecords', 'duplicates'] };

/** All columns that this code knows of a table: what a migration adds changes nothing for a process that is older. */
export const columnsOfTable = (type: NodeType): Columns =>
  Object.keys(FIELDS[type]).filter((column) => READ_APART[type]?.includes(column) !== true);

const widened = new WeakMap<Columns, Map<string, Columns>>();

/** The columns plus one. Equal arguments give the identical array, because caches elsewhere use the array itself as their key. */
export function withColumn(columns: Columns, column: string): Columns {
  if (columns.includes(column)) return columns;
  const known = widened.get(columns) ?? new Map<string, Columns>();
  widened.set(columns, known);
  const wider = known.get(column) ?? [...columns, column];
  known.set(column, wider);
  return wider;
}
