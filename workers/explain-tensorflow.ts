import { TeddyhubError } from '../src/domain/errors.js';

const MESSAGE =
  'The device has too little memory: take smaller batches or, of a run, fewer images or classes a task (imagesPerClassPerTask, classesPerTask).';

/** What TensorFlow says where an allocator has nothing left; status 8 is RESOURCE_EXHAUSTED. */
const OUT_OF_MEMORY = /TF_Status: 8\b|OOM when allocating/;

/** An error of TensorFlow that somebody can fix, as a failure with a name; every other one as it is. */
export const explainTensorflow = (error: unknown): unknown =>
  error instanceof Error && OUT_OF_MEMORY.test(error.message)
    ? new TeddyhubError('OUT_OF_MEMORY', MESSAGE, { cause: error })
    : error;
