import { Field, Float, ID, InputType, Int } from 'type-graphql';
import { DatasetLayout } from '../../platform/database/generated/enums.js';
import { ImageFit } from './dataset.type.js';

@InputType({ description: 'What is done to every image; orientation is always applied, and alpha laid over white.' })
export class ImagePreparationInput {
  @Field(() => Int, {
    nullable: true,
    description: 'Pixels; with `width`. Images must all have one size unless given.',
  })
  height?: number | null;

  @Field(() => Int, { nullable: true, description: 'Pixels; with `height`.' })
  width?: number | null;

  @Field(() => ImageFit, { nullable: true, description: 'How images come to that size; by default CROP.' })
  fit?: keyof typeof ImageFit | null;

  @Field(() => Int, {
    nullable: true,
    description: '1 (grey) or 3 (RGB). Unless said 1 where every pixel of every image is grey, else 3.',
  })
  channels?: number | null;
}

@InputType({
  description: 'Image files and how to read them. One of `path`, `uploadId` and `prefix` says where they are.',
})
export class FilesSourceInput {
  @Field(() => String, {
    nullable: true,
    description:
      'For FILES: a folder, a .tar, .tar.gz or .zip archive, or a file; absolute, or relative to the import folder of the service.',
  })
  path?: string | null;

  @Field(() => ID, { nullable: true, description: 'For UPLOAD: of `datasetUploadBegin`, once completed.' })
  uploadId?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'For PREFIX: the objects below `imports/<prefix>/` in the bucket of the service.',
  })
  prefix?: string | null;

  @Field(() => DatasetLayout, { nullable: true, description: 'By default it is detected from the names of the files.' })
  layout?: DatasetLayout | null;

  @Field(() => String, {
    nullable: true,
    description: 'Which split of the source is the test split, where it has several: `val`, `test`, ...',
  })
  testSplit?: string | null;

  @Field(() => Float, {
    nullable: true,
    description: "The share of every class's training images that becomes the test split, where the source has none.",
  })
  holdOut?: number | null;

  @Field(() => String, {
    nullable: true,
    description: 'Which label counts, where there are several: a column, a field, or `coarse` of CIFAR-100.',
  })
  label?: string | null;

  @Field(() => [String], {
    nullable: true,
    description: "The classes in the order of their indices; by default the source's own order.",
  })
  classNames?: string[] | null;

  @Field(() => ImagePreparationInput, { nullable: true })
  image?: ImagePreparationInput | null;

  @Field(() => Float, {
    nullable: true,
    description: 'The import fails where a larger share of the records had to be skipped; 0.01 by default.',
  })
  maxSkipped?: number | null;
}
