import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { Role } from '../../platform/database/generated/enums.js';

registerEnumType(Role, {
  name: 'Role',
  description: 'What a key may do.',
  valuesConfig: {
    ADMIN: { description: 'Everything.' },
    OPERATOR: { description: 'Reads, and starts, cancels and publishes.' },
    VIEWER: { description: 'Reads.' },
    WORKER: { description: 'Nothing in this API.' },
  },
});

@ObjectType('Viewer', { description: 'Who asks, as the key says.' })
export class ViewerType {
  @Field(() => String, { description: 'The name of the project that everything here belongs to.' })
  projectName!: string;

  @Field(() => Role)
  role!: Role;

  @Field(() => String, { description: 'The public part of the key.' })
  keyPrefix!: string;
}
