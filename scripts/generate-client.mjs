#!/usr/bin/env node
// Makes clients/typescript/src/generated/ and documents.json out of schema.graphql and the operations beside them; with --check only
// says whether they are what would be made. Exit status 1 where they are not.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codegen } from '@graphql-codegen/core';
import * as operationTypes from '@graphql-codegen/typescript-operations';
import {
  buildSchema,
  getNamedType,
  isInputObjectType,
  Kind,
  parse,
  print,
  typeFromAST,
  validate,
  visit,
} from 'graphql';

const root = fileURLToPath(new URL('..', import.meta.url));
const client = join(root, 'clients', 'typescript');
const HEADER = '// Generated from schema.graphql by scripts/generate-client.mjs: do not edit.\n';

const sdl = readFileSync(join(root, 'schema.graphql'), 'utf8');
const schema = buildSchema(sdl);
const names = readdirSync(join(client, 'operations')).filter((name) => name.endsWith('.graphql'));
const texts = names.sort().map((name) => readFileSync(join(client, 'operations', name), 'utf8'));
const document = parse(texts.join('\n'));
const mistakes = validate(schema, document);
for (const { message } of mistakes) console.error(`generate-client: ${message}`);
if (mistakes.length > 0) process.exit(1);

const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
const fragments = new Map(
  document.definitions
    .filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION)
    .map((fragment) => [fragment.name.value, fragment]),
);

/** An operation with the fragments that it needs, as it is sent. */
function textOf(operation) {
  const needed = new Set();
  const collect = (node) =>
    visit(node, {
      FragmentSpread({ name: { value } }) {
        if (needed.has(value)) return;
        needed.add(value);
        collect(fragments.get(value));
      },
    });
  collect(operation);
  return [operation, ...[...needed].sort().map((name) => fragments.get(name))].map(print).join('\n\n');
}

/** Whether it takes an idempotency key: what is sent twice under one is done once. */
const isIdempotent = ({ variableDefinitions }) =>
  variableDefinitions.some(({ type }) => {
    const input = typeFromAST(schema, type);
    const named = input && getNamedType(input);
    return isInputObjectType(named) && 'idempotencyKey' in named.getFields();
  });

const digestOf = (text) => `sha256:${createHash('sha256').update(text).digest('hex')}`;

const config = {
  scalars: { ID: 'string', DateTime: 'string', Digest: 'string', ByteSize: 'string' },
};
const types = await codegen({
  filename: 'types.ts',
  schema: parse(sdl),
  documents: [{ location: 'operations', document }],
  config,
  plugins: [{ operations: {} }],
  pluginMap: { operations: operationTypes },
});

const capital = (text) => text[0].toUpperCase() + text.slice(1);
const constants = operations.map((operation) => {
  const name = operation.name.value;
  const type = `${name}${capital(operation.operation)}`;
  const text = textOf(operation);
  return `export const ${name}: Operation<'${operation.operation}', types.${type}, types.${type}Variables> = {
  kind: '${operation.operation}',
  name: '${name}',
  idempotent: ${isIdempotent(operation)},
  digest: '${digestOf(text)}',
  text: ${JSON.stringify(text)},
};
`;
});

const files = {
  'src/generated/types.ts': `${HEADER}${types}`,
  'src/generated/operations.ts': `${HEADER}import type { Operation } from '../operation.js';
import type * as types from './types.js';

${constants.join('\n')}`,
  'documents.json': `${JSON.stringify(Object.fromEntries(operations.map(textOf).map((text) => [digestOf(text), text])), null, 2)}\n`,
};

const read = (path) => {
  try {
    return readFileSync(join(client, path), 'utf8');
  } catch {
    return undefined;
  }
};
const stale = Object.keys(files).filter((path) => read(path) !== files[path]);
if (!process.argv.includes('--check')) {
  mkdirSync(join(client, 'src', 'generated'), { recursive: true });
  for (const path of stale) writeFileSync(join(client, path), files[path]);
} else if (stale.length > 0) {
  console.error(
    `clients/typescript is out of date (${stale.join(', ')}): run node scripts/generate-client.mjs and commit it.`,
  );
  process.exitCode = 1;
}
