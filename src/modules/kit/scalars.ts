import { GraphQLScalarType, Kind } from 'graphql';

const DIGEST = /^sha256:[0-9a-f]{64}$/;

function parseDigest(value: unknown): string {
  if (typeof value === 'string' && DIGEST.test(value)) return value;
  throw new TypeError('A Digest is "sha256:" and 64 hexadecimal digits.');
}

export const Digest = new GraphQLScalarType<string, string>({
  name: 'Digest',
  description: 'What an object is made of: `sha256:` and 64 hexadecimal digits.',
  serialize: parseDigest,
  parseValue: parseDigest,
  parseLiteral: (node) => parseDigest(node.kind === Kind.STRING ? node.value : undefined),
});

function parseByteSize(value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  if (typeof value === 'string' && /^\d{1,19}$/.test(value)) return BigInt(value);
  throw new TypeError('A ByteSize is a whole number of bytes.');
}

export const ByteSize = new GraphQLScalarType<bigint, string>({
  name: 'ByteSize',
  description: 'A number of bytes, as a decimal string: sizes may go beyond what a JSON number holds exactly.',
  serialize: (value) => parseByteSize(value).toString(),
  parseValue: parseByteSize,
  parseLiteral: (node) => parseByteSize(node.kind === Kind.STRING || node.kind === Kind.INT ? node.value : undefined),
});
