/** An operation of its own for every field of the schema, made from the schema. */
import {
  astFromValue,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  print,
} from 'graphql';
import { ABOUT, ARGUMENTS, REACHED_BY } from './table.js';

export interface Probe {
  /** `Type.field`. */
  field: string;
  kind: 'query' | 'mutation' | 'subscription';
  /** The names that lead to the field in an answer. */
  path: string[];
  text: string;
}

/** Global ids by type. */
export type Ids = Readonly<Record<string, string>>;

interface Way {
  kind: Probe['kind'];
  path: string[];
  open: string;
  close: string;
}

export const fieldsOf = (schema: GraphQLSchema): string[] =>
  objectTypes(schema).flatMap((type) => Object.keys(type.getFields()).map((field) => `${type.name}.${field}`));

/** `ids` are put wherever an operation asks for one. */
export function probesOf(schema: GraphQLSchema, ids: Ids): Probe[] {
  const ways = findWays(schema, ids);
  return objectTypes(schema).flatMap((type) => {
    const way = ways.get(type.name);
    if (way === undefined) throw new Error(`No operation leads to ${type.name}.`);
    return Object.values(type.getFields()).map((field): Probe => {
      const text = `${way.open} ${call(type, field, ids)}${tellTale(getNamedType(field.type))} ${way.close}`;
      return { field: `${type.name}.${field.name}`, kind: way.kind, path: [...way.path, field.name], text };
    });
  });
}

/** Of an object, what would give it away: its id, or how many there are. */
function tellTale(type: GraphQLNamedType): string {
  if (isLeafType(type) || !('getFields' in type)) return '';
  const { id, nodes, node } = type.getFields();
  if (nodes) return ' { totalCount nodes { id } }';
  if (node) return ' { node { id } }';
  return id ? ' { id }' : ' { __typename }';
}

const objectTypes = (schema: GraphQLSchema): GraphQLObjectType[] =>
  Object.values(schema.getTypeMap()).filter(
    (type): type is GraphQLObjectType => isObjectType(type) && !type.name.startsWith('__'),
  );

/** The shortest way to every type: what has an id by `node`, then what queries reach, then subscriptions and mutations. */
function findWays(schema: GraphQLSchema, ids: Ids): Map<string, Way> {
  const ways = new Map<string, Way>();
  const spread = (queue: GraphQLObjectType[]) => {
    for (const type of queue) {
      const way = ways.get(type.name)!;
      for (const field of Object.values(type.getFields())) {
        const named = getNamedType(field.type);
        const targets = isObjectType(named) ? [named] : isAbstractType(named) ? schema.getPossibleTypes(named) : [];
        for (const target of targets) {
          const name = `${type.name}.${field.name}`;
          if (ways.has(target.name) || (REACHED_BY[target.name] ?? name) !== name) continue;
          const [open, close] = isAbstractType(named) ? [`... on ${target.name} {`, '} }'] : ['', '}'];
          ways.set(target.name, {
            kind: way.kind,
            path: [...way.path, field.name],
            open: `${way.open} ${call(type, field, ids)} { ${open}`,
            close: `${close} ${way.close}`,
          });
          queue.push(target);
        }
      }
    }
  };
  for (const type of objectTypes(schema)) {
    const id = ids[type.name];
    if (id === undefined) continue;
    const open = `query { node(id: ${JSON.stringify(id)}) { ... on ${type.name} {`;
    ways.set(type.name, { kind: 'query', path: ['node'], open, close: '} } }' });
  }
  spread(objectTypes(schema).filter((type) => ways.has(type.name)));
  for (const kind of ['query', 'subscription', 'mutation'] as const) {
    const root = objectTypes(schema).find((type) => type.name.toLowerCase() === kind);
    if (root === undefined) continue;
    ways.set(root.name, { kind, path: [], open: `${kind} {`, close: '}' });
    spread([root]);
  }
  return ways;
}

/** A field with what it needs to be asked for. */
function call(type: GraphQLObjectType, field: GraphQLField<unknown, unknown>, ids: Ids): string {
  const given = ARGUMENTS[`${type.name}.${field.name}`] ?? {};
  const values = field.args.flatMap((argument): string[] => {
    const value =
      argument.name in given
        ? given[argument.name]
        : argumentOf(argument, ABOUT[`${type.name}.${field.name}`] ?? getNamedType(field.type).name, ids);
    const literal = value === undefined ? null : astFromValue(value, argument.type);
    return literal ? [`${argument.name}: ${print(literal)}`] : [];
  });
  return values.length === 0 ? field.name : `${field.name}(${values.join(', ')})`;
}

function argumentOf(argument: GraphQLArgument, about: string, ids: Ids): unknown {
  if (argument.name === 'first') return 50;
  return isRequiredArgument(argument) ? made(argument.type, argument.name, about, ids) : undefined;
}

let serial = 0;

/** A value of a type: an id of the type that the name speaks of, or of the type that the field is about. */
function made(type: GraphQLInputType, name: string, about: string, ids: Ids): unknown {
  const inner = getNullableType(type);
  if (isListType(inner)) return [made(inner.ofType, name.replace(/s$/, ''), about, ids)];
  if (isEnumType(inner)) return inner.getValues()[0]?.value;
  if (isInputObjectType(inner)) {
    // `DistillationRunCancelInput` is about a DistillationRun.
    const subject = Object.keys(ids)
      .filter((candidate) => inner.name.startsWith(candidate))
      .sort((a, b) => b.length - a.length)[0];
    const fields = Object.values(inner.getFields()).filter(isRequiredInputField);
    return Object.fromEntries(fields.map((field) => [field.name, made(field.type, field.name, subject ?? about, ids)]));
  }
  if (inner.toString() === 'ID') return ids[typeOfName(name, ids)] ?? ids[about] ?? Object.values(ids)[0];
  if (['Int', 'Float', 'ByteSize'].includes(inner.toString())) return 1;
  if (inner.toString() === 'Boolean') return true;
  serial += 1;
  return `made-${serial}`;
}

/** `teacherPoolId` speaks of a TeacherPool, `runId` of a DistillationRun. */
function typeOfName(name: string, ids: Ids): string {
  const wanted = name.replace(/Id$/, '').toLowerCase();
  return Object.keys(ids).find((type) => type.toLowerCase().endsWith(wanted) && wanted !== 'id') ?? '';
}
