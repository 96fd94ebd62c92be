import { Field, ObjectType } from 'type-graphql';
import { Role } from '../../platform/database/generated/enums.js';

@ObjectType('Viewer', { description: 'Who asks, as the key says.' })
export class ViewerType {
  @Field(() => String, { description: 'The name of the project that everything here belongs to.' })
  projectName!: string;

  @Field(() => Role)
  role!: Role;

  @Field(() => String, { description: 'The public part of the key.' })
  keyPrefix!: string;
}
