import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { toPayload } from '../kit/mutation.js';
import {
  DatasetUploadBeginInput,
  DatasetUploadCompleteInput,
  DatasetUploadPayload,
  DatasetUploadResumeInput,
} from './upload.type.js';

@Resolver()
export class UploadResolver {
  @Mutation(() => DatasetUploadPayload, {
    description:
      'Answers where to put the parts of a file. Garbage collection removes an upload once no part of it has arrived for a day.',
  })
  async datasetUploadBegin(
    @Arg('input', () => DatasetUploadBeginInput) input: DatasetUploadBeginInput,
    @Ctx() { services, viewer }: RequestContext,
  ): Promise<DatasetUploadPayload> {
    const { result, ...payload } = await toPayload(input, () => services.uploads.begin(viewer, input));
    return { upload: result, ...payload };
  }

  @Mutation(() => DatasetUploadPayload, {
    description:
      'Answers which parts of a file have arrived, and anew where to put the others: for an upload that broke off.',
  })
  async datasetUploadResume(
    @Arg('input', () => DatasetUploadResumeInput) input: DatasetUploadResumeInput,
    @Ctx() { services, viewer }: RequestContext,
  ): Promise<DatasetUploadPayload> {
    const { result, ...payload } = await toPayload(input, () => services.uploads.resume(viewer, input));
    return { upload: result, ...payload };
  }

  @Mutation(() => DatasetUploadPayload, { description: 'Makes the file of its parts. It can be imported then.' })
  async datasetUploadComplete(
    @Arg('input', () => DatasetUploadCompleteInput) input: DatasetUploadCompleteInput,
    @Ctx() { services, viewer }: RequestContext,
  ): Promise<DatasetUploadPayload> {
    const { result, ...payload } = await toPayload(input, () => services.uploads.complete(viewer, input));
    return { upload: result, ...payload };
  }
}
