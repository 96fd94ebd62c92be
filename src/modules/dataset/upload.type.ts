import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { MutationInput, Payload } from '../kit/mutation.js';
import { ByteSize } from '../kit/scalars.js';

@ObjectType({ description: 'A piece of a file under way.' })
export class UploadPart {
  @Field(() => Int, { description: 'From 1.' })
  number!: number;

  @Field(() => String, {
    description:
      'Takes the bytes of this part by PUT, for 6 hours, and answers its tag as ETag. Relative to the API, with the key of the ' +
      'caller, where the object store has no URLs of its own.',
  })
  url!: string;

  @Field(() => String, { nullable: true, description: 'What was answered for the part; null: it has not arrived.' })
  tag!: string | null;
}

@ObjectType({ description: 'A file on its way into the object store. It can be imported once it is complete.' })
export class DatasetUpload {
  @Field(() => ID)
  id!: string;

  @Field(() => ByteSize, { description: 'Of every part but the last, which holds the rest.' })
  partBytes!: number;

  @Field(() => [UploadPart], { description: 'In order. Empty once it is complete.' })
  parts!: UploadPart[];
}

@InputType()
export class DatasetUploadBeginInput extends MutationInput {
  @Field(() => String, { description: 'What the file is called; told in messages.' })
  fileName!: string;

  @Field(() => ByteSize)
  bytes!: bigint;
}

@InputType()
export class DatasetUploadResumeInput extends MutationInput {
  @Field(() => ID)
  uploadId!: string;
}

@InputType()
export class UploadedPartInput {
  @Field(() => Int)
  number!: number;

  @Field(() => String, { description: 'The ETag that was answered for the part.' })
  tag!: string;
}

@InputType()
export class DatasetUploadCompleteInput extends MutationInput {
  @Field(() => ID)
  uploadId!: string;

  @Field(() => [UploadedPartInput])
  parts!: UploadedPartInput[];
}

@ObjectType()
export class DatasetUploadPayload extends Payload {
  @Field(() => DatasetUpload, { nullable: true })
  upload!: DatasetUpload | null;
}
