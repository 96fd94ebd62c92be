/** Whether an operation may run, over HTTP and over sockets alike: its document, its cost, and what its key has left. */
import {
  type DocumentNode,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  type OperationDefinitionNode,
} from 'graphql';
import type { RequestContext } from '../modules/context.js';
import { currentTrace } from '../platform/telemetry/request-trace.js';
import { refusal } from './errors.js';
import { costOf } from './limits.js';
import type { RateLimiter } from './rate-limit.js';
import { columnsOf } from './selection.js';
import type { TrustedDocuments } from './trusted-documents.js';

export interface Operation {
  text: string;
  document: DocumentNode;
  operationName: string | null | undefined;
  variables: Record<string, unknown> | null | undefined;
}

/** Throws FORBIDDEN, BAD_USER_INPUT, QUERY_TOO_COMPLEX, RATE_LIMITED. Tells the context what is left, and what is to be read. */
export type Admit = (context: RequestContext, operation: Operation) => void;

export const admission =
  (schema: GraphQLSchema, limiter: RateLimiter, documents: TrustedDocuments, production: boolean): Admit =>
  (context, { text, document, operationName, variables }) => {
    const ast = getOperationAST(document, operationName);
    const { facts = {} } = currentTrace() ?? {};
    facts.operation = ast?.name?.value ?? null;
    facts.kind = ast?.operation;
    documents.assertAllowed(context.viewer, text);
    if (ast) assertVariables(schema, ast, variables, production);
    const cost = costOf(schema, document, operationName, variables);
    facts.cost = cost;
    context.columns = columnsOf(schema, document);
    context.rateLimit = limiter.charge(context.viewer.keyPrefix, cost);
  };

/** Before anything is made of them: what counts a cost by them would throw in its own way. Throws BAD_USER_INPUT. */
function assertVariables(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
  variables: Operation['variables'],
  hideSuggestions: boolean,
): void {
  const { errors } = getVariableValues(schema, variableDefinitions, variables ?? {}, { maxErrors: 5, hideSuggestions });
  if (errors) throw refusal({ code: 'BAD_USER_INPUT', message: errors.map(({ message }) => message).join(' ') });
}
