import { Field, ObjectType } from 'type-graphql';
import { Role } from '../../platform/database/generated/enums.js';
import { Node } from '../kit/node.js';

@ObjectType({ simpleResolvers: true, implements: Node, description: 'What everything here belongs to.' })
export class Project extends Node {
  readonly typeName = 'Project';

  @Field(() => String)
  name!: string;

  @Field(() => Date)
  createdAt!: Date;
}

@ObjectType('Viewer', { simpleResolvers: true, description: 'Who asks, as the key says.' })
export class ViewerType {
  @Field(() => Project)
  project!: Project;

  @Field(() => String, { description: 'The name of the project that everything here belongs to.' })
  projectName!: string;

  @Field(() => Role)
  role!: Role;

  @Field(() => String, { description: 'The public part of the key.' })
  keyPrefix!: string;
}
