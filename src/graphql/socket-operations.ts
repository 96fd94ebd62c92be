/** Subscriptions as the socket server runs them: checked like requests, one line in the log, loaders that forget with every event. */
import {
  type ASTNode,
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  parse,
  type SelectionSetNode,
  specifiedRules,
  validate,
  visit,
} from 'graphql';
import type { RequestContext } from '../modules/context.js';
import type { Log } from '../platform/log.js';
import { RequestTrace } from '../platform/telemetry/request-trace.js';
import { LIMITS, shapeLimits } from './limits.js';

const DOCUMENTS_KEPT = 200;

/** Parses and checks a document; the same text costs that once. Throws an AggregateError of GraphQL errors, or one. */
export function documentReader(schema: GraphQLSchema, production: boolean): (text: string) => DocumentNode {
  const known = new Map<string, DocumentNode>();
  return (text) => {
    const found = known.get(text);
    if (found) return found;
    const document = parse(text, { maxTokens: LIMITS.tokens });
    const errors = validate(schema, document, [...specifiedRules, shapeLimits], { hideSuggestions: production });
    if (errors.length > 0) throw new AggregateError(errors);
    const oldest = known.keys().next();
    if (known.size >= DOCUMENTS_KEPT && !oldest.done) known.delete(oldest.value);
    known.set(text, document);
    return document;
  };
}

export function assertSubscription(document: DocumentNode, operationName: string | null | undefined): void {
  const operation = getOperationAST(document, operationName);
  if (operation?.operation !== 'subscription')
    throw refused('A socket carries subscriptions only: send queries and mutations over HTTP.');
  // By the rules of GraphQL since September 2025. graphql-js 16 does not refuse it, and has nothing to subscribe to then.
  if (mayBeLeftOut(operation.selectionSet, document))
    throw refused('What a subscription follows cannot be left out by @skip or @include.');
}

/** Whether a directive decides on a field at the root, there or in fragments: in each of these once, however often it is spread. */
function mayBeLeftOut(
  { selections }: SelectionSetNode,
  document: DocumentNode,
  seen: Set<string> = new Set(),
): boolean {
  return selections.some((selection) => {
    if (selection.directives?.some(({ name }) => name.value === 'skip' || name.value === 'include')) return true;
    if (selection.kind === Kind.FIELD) return false;
    if (selection.kind === Kind.INLINE_FRAGMENT) return mayBeLeftOut(selection.selectionSet, document, seen);
    const { value: name } = selection.name;
    if (seen.has(name)) return false;
    seen.add(name);
    const fragment = document.definitions.find(
      (definition): definition is FragmentDefinitionNode =>
        definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === name,
    );
    return fragment !== undefined && mayBeLeftOut(fragment.selectionSet, document, seen);
  });
}

export const refused = (message: string): GraphQLError =>
  new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });

export interface SubscriptionArgs extends ExecutionArgs {
  contextValue: RequestContext;
  trace: RequestTrace;
}

/** Results by the event that they tell of: followers of a run are given the same events. */
const results = new WeakMap<object, Map<string, ReturnType<typeof execute>>>();

/** The result of whoever came first with the same key. */
function shared(event: unknown, key: string, run: () => ReturnType<typeof execute>): ReturnType<typeof execute> {
  if (typeof event !== 'object' || event === null) return run();
  const known = results.get(event) ?? new Map<string, ReturnType<typeof execute>>();
  results.set(event, known);
  const result = known.get(key) ?? run();
  known.set(key, result);
  return result;
}

const documentIds = new WeakMap<DocumentNode, number>();
let documentsSeen = 0;

/**
 * What the result of an event depends on besides the event: the document, whose eyes see it, and the variables, but for those
 * that are arguments of the subscription itself, which say what events there are and not what is in them. Those of an operation that
 * is more than one plain field all count.
 */
function sharedKey({ document, operationName, variableValues, contextValue: { viewer } }: SubscriptionArgs): string {
  const id = documentIds.get(document) ?? ++documentsSeen;
  documentIds.set(document, id);
  const used = new Set<string>();
  const operation = getOperationAST(document, operationName);
  const [root, ...others] = operation?.selectionSet.selections ?? [];
  const plain = others.length === 0 && root?.kind === Kind.FIELD && root.selectionSet ? root.selectionSet : undefined;
  const nodes: ASTNode[] = [
    ...document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION),
    ...(plain ? [plain] : (operation?.selectionSet.selections ?? [])),
  ];
  for (const node of nodes) visit(node, { Variable: ({ name }) => void used.add(name.value) });
  // One that is left out has its default, and null is null.
  const variables = [...used].sort().filter((name) => variableValues?.[name] !== undefined);
  const given = variables.map((name) => [name, variableValues?.[name]]);
  return JSON.stringify([id, operationName, viewer.projectId, viewer.role, given]);
}

/** As graphql-js subscribes, but that every event has loaders of its own: what they remember is soon not true any more. */
export async function runSubscription(
  args: SubscriptionArgs,
  freshContext: (context: RequestContext) => RequestContext,
  log: Log,
): Promise<ExecutionResult | AsyncGenerator<ExecutionResult, void, undefined>> {
  const { trace, contextValue } = args;
  const source = await trace.run(() => createSourceEventStream(args));
  if (!(Symbol.asyncIterator in source)) {
    log.info(trace.line(), 'subscription');
    return source;
  }
  const events = source[Symbol.asyncIterator]();
  const key = sharedKey(args);
  const run = (rootValue: unknown) => execute({ ...args, rootValue, contextValue: freshContext(contextValue) });
  const resultOf = (event: unknown) => shared(event, key, () => run(event));
  let sent = 0;
  let open = true;
  const end = () => {
    if (open) log.info({ ...trace.line(), events: sent }, 'subscription');
    open = false;
    return { done: true, value: undefined } as const;
  };
  const answers: AsyncGenerator<ExecutionResult, void, undefined> = {
    [Symbol.asyncIterator]: () => answers,
    async next() {
      try {
        const { done, value } = await events.next();
        if (done) return end();
        sent += 1;
        return { done: false, value: await resultOf(value) };
      } catch (error) {
        end();
        throw error;
      }
    },
    async return() {
      await events.return?.();
      return end();
    },
    async throw(error) {
      await events.return?.();
      end();
      throw error;
    },
  };
  return answers;
}
