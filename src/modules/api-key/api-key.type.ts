import { Field, ObjectType, registerEnumType } from 'type-graphql';
import type { Role as RoleName } from '../../domain/viewer.js';
import { Role } from '../../platform/database/generated/enums.js';
import { CREATED_AT, defineList } from '../kit/connection.js';
import { Node } from '../kit/node.js';

registerEnumType(Role, {
  name: 'Role',
  description: 'What a key may do.',
  valuesConfig: {
    ADMIN: { description: 'Everything, keys included.' },
    OPERATOR: { description: 'Reads, and starts, cancels and publishes.' },
    VIEWER: { description: 'Reads.' },
    WORKER: { description: 'Fetches published sets; nothing in this API.' },
  },
});

const ApiKeyState = { ACTIVE: 'ACTIVE', EXPIRED: 'EXPIRED', REVOKED: 'REVOKED' } as const;

registerEnumType(ApiKeyState, {
  name: 'ApiKeyState',
  description: 'Whether a key works.',
  valuesConfig: {
    ACTIVE: { description: 'It works.' },
    EXPIRED: { description: 'Its time is over.' },
    REVOKED: { description: 'Somebody ended it.' },
  },
});

@ObjectType({
  simpleResolvers: true,
  implements: Node,
  description: 'A key to the project. Its secret is kept nowhere.',
})
export class ApiKey extends Node {
  readonly typeName = 'ApiKey';

  @Field(() => String, { description: 'What it is for.' })
  name!: string;

  @Field(() => String, { description: 'The public part of the key, as logs and the audit trail show it.' })
  prefix!: string;

  @Field(() => Role)
  role!: RoleName;

  @Field(() => Date)
  createdAt!: Date;

  @Field(() => Date, { nullable: true, description: 'Null: it never expires.' })
  expiresAt!: Date | null;

  @Field(() => Date, { nullable: true })
  revokedAt!: Date | null;

  @Field(() => Date, { nullable: true, description: 'To the minute. Null: never used.' })
  lastUsedAt!: Date | null;

  successorId!: string | null;

  @Field(() => ApiKeyState)
  state(): keyof typeof ApiKeyState {
    if (this.revokedAt !== null) return 'REVOKED';
    return this.expiresAt !== null && this.expiresAt <= new Date() ? 'EXPIRED' : 'ACTIVE';
  }
}

export const ApiKeys = defineList(ApiKey, { table: 'ApiKey', sorts: { CREATED_AT } });
