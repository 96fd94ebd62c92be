/** What an operation needs of the rows of each type: see modules/kit/columns.ts. */
import { type DocumentNode, type GraphQLSchema, isObjectType, TypeInfo, visit, visitWithTypeInfo } from 'graphql';
import { type Columns, type ColumnsOf, columnsOfTable, readsOf, wholeRows } from '../modules/kit/columns.js';
import { NODE_TYPES, type NodeType } from '../modules/kit/node.js';

const known = new WeakMap<DocumentNode, ColumnsOf>();
const nodeTypes: ReadonlySet<string> = new Set(NODE_TYPES);

/** Of a valid document, all its operations together; looked at once, for it is parsed once. */
export function columnsOf(schema: GraphQLSchema, document: DocumentNode): ColumnsOf {
  const found = known.get(document) ?? select(schema, document);
  known.set(document, found);
  return found;
}

function select(schema: GraphQLSchema, document: DocumentNode): ColumnsOf {
  const types = new TypeInfo(schema);
  const columns = new Map<string, Set<string>>();
  let sure = true;
  const visitor = visitWithTypeInfo(types, {
    Field(node) {
      const parent = types.getParentType();
      const field = types.getFieldDef();
      if (!field || node.name.value === '__typename' || !isObjectType(parent)) return;
      const isNode = nodeTypes.has(parent.name);
      const reads = field.resolve ? readsOf(field) : isNode ? [field.name] : [];
      const table = isNode ? columnsOfTable(parent.name as NodeType) : [];
      if (reads === undefined || (isNode && reads.some((column) => !table.includes(column)))) sure = false;
      else if (isNode) columns.set(parent.name, new Set([...(columns.get(parent.name) ?? ['id']), ...reads]));
    },
  });
  visit(document, visitor);
  if (!sure) return wholeRows;
  const lists = new Map<string, Columns>(NODE_TYPES.map((type) => [type, [...(columns.get(type) ?? ['id'])].sort()]));
  return (type) => lists.get(type);
}
