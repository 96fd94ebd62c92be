/**
 * What a request may cost, checked before it runs: first its shape (depth, aliases, directives, root fields), then its
 * cost by the real variables. The same limits hold over HTTP and over sockets.
 */
import {
  type ASTNode,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationRule,
} from 'graphql';
// The ESM build loads a second copy of graphql, whose types the schema is not made of.
import complexity from 'graphql-query-complexity/cjs';

import { refusal } from './errors.js';

const { fieldExtensionsEstimator, getComplexity, simpleEstimator } = complexity;

export const LIMITS = { tokens: 1_500, depth: 10, aliases: 15, directives: 20, rootFields: 20, cost: 10_000 } as const;

interface Shape {
  depth: number;
  aliases: number;
  directives: number;
  /** Of the set itself, and not of those in them. */
  fields: number;
}

const NOTHING: Shape = { depth: 0, aliases: 0, directives: 0, fields: 0 };

/** Fragments count where they are used, so nothing hides in them; a cycle counts nothing and is refused elsewhere. */
function shapeOf(
  document: DocumentNode,
): (operation: OperationDefinitionNode) => Omit<Shape, 'fields'> & { rootFields: number } {
  const fragments = new Map(
    document.definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition] as const] : [],
    ),
  );
  const known = new Map<string, Shape>();
  const measureFragment = (name: string): Shape => {
    const done = known.get(name);
    if (done) return done;
    known.set(name, NOTHING);
    const fragment = fragments.get(name);
    const shape = fragment ? measure(fragment.selectionSet) : NOTHING;
    known.set(name, shape);
    return shape;
  };
  const measure = (set: SelectionSetNode): Shape => {
    let [depth, aliases, directives, fields] = [0, 0, 0, 0];
    for (const selection of set.selections) {
      const isField = selection.kind === Kind.FIELD;
      // Introspection is deep by nature, bounded by the schema, and off in production.
      const skipped = isField && selection.name.value.startsWith('__');
      const inner =
        selection.kind === Kind.FRAGMENT_SPREAD
          ? measureFragment(selection.name.value)
          : selection.selectionSet && !skipped
            ? measure(selection.selectionSet)
            : NOTHING;
      depth = Math.max(depth, inner.depth + (isField ? 1 : 0));
      aliases += inner.aliases + (isField && selection.alias ? 1 : 0);
      directives += inner.directives + (selection.directives?.length ?? 0);
      fields += isField ? 1 : inner.fields;
    }
    return { depth, aliases, directives, fields };
  };
  return (operation) => {
    const { fields: rootFields, ...shape } = measure(operation.selectionSet);
    return { ...shape, rootFields };
  };
}

const tooComplex = (message: string, node?: ASTNode): GraphQLError =>
  new GraphQLError(message, {
    ...(node ? { nodes: node } : {}),
    extensions: { code: 'QUERY_TOO_COMPLEX', http: { status: 400 } },
  });

/** A validation rule: it runs before anything of the operation does. */
export const shapeLimits: ValidationRule = (context) => ({
  Document: (document) => {
    const measure = shapeOf(document);
    for (const operation of document.definitions) {
      if (operation.kind !== Kind.OPERATION_DEFINITION) continue;
      const shape = measure(operation);
      for (const name of ['depth', 'aliases', 'directives', 'rootFields'] as const) {
        if (shape[name] > LIMITS[name]) {
          context.reportError(
            tooComplex(`The query has ${name} ${shape[name]}, more than ${LIMITS[name]}.`, operation),
          );
        }
      }
    }
  },
});

/** A write locks, audits and enqueues. */
const MUTATION_COST = 10;

/** How many things a bulk mutation is asked to do; 1 of every other one. */
const idsOf = ({ input }: { input?: { ids?: unknown } }): number =>
  Array.isArray(input?.ids) ? Math.max(1, input.ids.length) : 1;

/** What an operation costs; `first: $n` counts as n. Throws QUERY_TOO_COMPLEX, BAD_USER_INPUT. */
export function costOf(
  schema: GraphQLSchema,
  query: DocumentNode,
  operationName: string | null | undefined,
  variables: Record<string, unknown> | null | undefined,
): number {
  const cost = orRefuse(() =>
    getComplexity({
      schema,
      query,
      ...(operationName ? { operationName } : {}),
      variables: variables ?? {},
      estimators: [
        ({ type, args, childComplexity }) =>
          type === schema.getMutationType() ? idsOf(args) * (MUTATION_COST + childComplexity) : undefined,
        fieldExtensionsEstimator(),
        simpleEstimator({ defaultComplexity: 1 }),
      ],
    }),
  );
  if (cost > LIMITS.cost) {
    throw tooComplex(`The query costs ${cost}, more than ${LIMITS.cost}: ask for smaller pages or fewer fields.`);
  }
  return cost;
}

/** What the counting itself finds wrong has no code, and would be a failure of ours: a null variable in a place for a value, too many fields. */
function orRefuse(count: () => number): number {
  try {
    return count();
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    if (TOO_MANY.test(error.message)) {
      throw tooComplex('The query has too many fields once its fragments are spread: ask for fewer.');
    }
    throw refusal({ code: 'BAD_USER_INPUT', message: error.message });
  }
}

/** What graphql-query-complexity says at 10,000 nodes. */
const TOO_MANY = /maximum allowed number of nodes/;
