/**
 * What an operation may cost, over HTTP and over a socket alike. First what it looks like (depth, aliases, directives), then
 * what it asks for: pages count with the real variables, so `first: $n` costs what `first: 100` does.
 */
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type SelectionSetNode,
} from 'graphql';
// The ES module build brings a second copy of graphql along, which fails at the first type.
import complexity from 'graphql-query-complexity/cjs';

export const LIMITS = {
  tokens: 1_500,
  depth: 12,
  aliases: 15,
  directives: 20,
  rootFields: 20,
  cost: 10_000,
  bodyBytes: 256 * 1024,
} as const;

interface Operation {
  document: DocumentNode;
  variables: Record<string, unknown>;
  operationName?: string | undefined;
}

/** Throws a GraphQLError with the code QUERY_TOO_COMPLEX that names the limit and what was found. */
export function assertWithinLimits(schema: GraphQLSchema, operation: Operation): void {
  const fragments = new Map(
    operation.document.definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition] as const] : [],
    ),
  );
  const counts = { depth: 0, aliases: 0, directives: 0, rootFields: 0 };
  for (const definition of operation.document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) measure(definition.selectionSet, fragments, counts, 1, new Set());
  }
  for (const name of ['depth', 'aliases', 'directives', 'rootFields'] as const) {
    if (counts[name] > LIMITS[name]) throw tooComplex(`${name} ${counts[name]}, at most ${LIMITS[name]}`);
  }
  const cost = complexity.getComplexity({
    schema,
    query: operation.document,
    variables: operation.variables,
    ...(operation.operationName === undefined ? {} : { operationName: operation.operationName }),
    estimators: [complexity.fieldExtensionsEstimator(), complexity.simpleEstimator({ defaultComplexity: 1 })],
  });
  if (cost > LIMITS.cost) throw tooComplex(`cost ${cost}, at most ${LIMITS.cost}; ask for smaller pages`);
}

const tooComplex = (found: string): GraphQLError =>
  new GraphQLError(`The operation is too complex: ${found}.`, { extensions: { code: 'QUERY_TOO_COMPLEX', http: { status: 400 } } });

/** Fragments count at every place they are spread; a cycle ends at its second round and is refused by validation. */
function measure(
  { selections }: SelectionSetNode,
  fragments: Map<string, FragmentDefinitionNode>,
  counts: { depth: number; aliases: number; directives: number; rootFields: number },
  depth: number,
  open: Set<string>,
): void {
  counts.depth = Math.max(counts.depth, depth);
  // An operation that is far beyond every limit is not walked to its end.
  if (counts.depth > LIMITS.depth || counts.aliases > LIMITS.aliases) return;
  for (const selection of selections) {
    counts.directives += selection.directives?.length ?? 0;
    if (selection.kind === Kind.FIELD) {
      if (depth === 1) counts.rootFields += 1;
      if (selection.alias) counts.aliases += 1;
      if (selection.selectionSet) measure(selection.selectionSet, fragments, counts, depth + 1, open);
    } else if (selection.kind === Kind.INLINE_FRAGMENT) {
      measure(selection.selectionSet, fragments, counts, depth, open);
    } else {
      const fragment = fragments.get(selection.name.value);
      if (fragment === undefined || open.has(selection.name.value)) continue;
      measure(fragment.selectionSet, fragments, counts, depth, new Set(open).add(selection.name.value));
    }
  }
}
