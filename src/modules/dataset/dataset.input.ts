import { Field, ID, InputType, ObjectType } from 'type-graphql';
import { DatasetState } from '../../platform/database/generated/enums.js';
import { CreateInput, MutationInput, NameChanges, Payload, UpdateInput } from '../kit/mutation.js';
import { Dataset, DatasetSourceKind } from './dataset.type.js';
import { FilesSourceInput } from './files-source.input.js';

@InputType({
  description: 'The four files of an IDX dataset: absolute, or relative to the import folder of the service.',
})
export class IdxSourceInput {
  @Field(() => String)
  trainImages!: string;

  @Field(() => String)
  trainLabels!: string;

  @Field(() => String)
  testImages!: string;

  @Field(() => String)
  testLabels!: string;

  @Field(() => [String], {
    nullable: true,
    description: 'In the order of the class indices; by default "0", "1", ...',
  })
  classNames?: string[] | null;
}

@InputType({ description: 'Where the bytes come from, and what they are.' })
export class DatasetSourceInput {
  @Field(() => DatasetSourceKind)
  kind!: keyof typeof DatasetSourceKind;

  @Field(() => IdxSourceInput, { nullable: true, description: 'Needed for IDX, and only there.' })
  idx?: IdxSourceInput | null;

  @Field(() => FilesSourceInput, {
    nullable: true,
    description: 'Needed for FILES, UPLOAD and PREFIX, and only there.',
  })
  files?: FilesSourceInput | null;
}

@InputType()
export class DatasetImportInput extends CreateInput {
  @Field(() => String)
  name!: string;

  @Field(() => DatasetSourceInput)
  source!: DatasetSourceInput;

  @Field(() => String, {
    nullable: true,
    description: "Goes on into every set distilled from it; by default the source's own, where it is known.",
  })
  licence?: string | null;
}

@ObjectType()
export class DatasetImportPayload extends Payload {
  @Field(() => Dataset, { nullable: true })
  dataset!: Promise<Dataset | null>;
}

@InputType()
export class DatasetImportCancelInput extends MutationInput {
  @Field(() => ID)
  id!: string;
}

@ObjectType()
export class DatasetImportCancelPayload extends DatasetImportPayload {}

@InputType()
export class DatasetUpdateInput extends UpdateInput {
  @Field(() => NameChanges)
  changes!: NameChanges;
}

@ObjectType()
export class DatasetUpdatePayload extends DatasetImportPayload {}

@InputType({ description: 'All given conditions must hold.' })
export class DatasetFilter {
  @Field(() => [DatasetState], { nullable: true })
  states?: DatasetState[] | null;
}
