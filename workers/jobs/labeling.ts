/** LABELING: the ensemble's labels of a run's images, static and for every stored view; resumable file by file. */
import { z } from 'zod';
import { FKD_STEPS_PER_FILE as STEPS_PER_FILE, storedSteps } from '../../src/domain/config.js';
import { namedFileRef, objectRef } from '../../src/domain/jobs/references.js';
import { encodeLabels, type LabelledViews } from '../../src/formats/labels.js';
import { encodeSafetensors } from '../../src/formats/safetensors.js';
import { type ObjectStore, putByDigest } from '../../src/platform/object-store/object-store.js';
import { readSynthetic } from '../teddy/dataset.js';
import { labelStep, loadLabeller, staticLabels } from '../teddy/labels.js';
import type { Job } from './job.js';

const progressSoFar = z.object({ static: objectRef, fkd: z.array(namedFileRef) });

export const label: Job<'LABELING'> = async ({ dataset, teachers, images, config, seed }, context) => {
  const { store, resumeFrom } = context;
  const labeller = await loadLabeller(store, dataset, teachers, config);
  const { set, samples } = await readSynthetic(context, images);

  const writeStatic = async (): Promise<z.infer<typeof progressSoFar>> => {
    const logits = await staticLabels(labeller, set, samples, config, seed, () => context.breathe());
    const file = encodeSafetensors({
      logits: { dtype: 'F16', shape: [samples, dataset.classNames.length], data: logits },
    });
    const begun = { static: await putByDigest(store, 'labels', file, '.safetensors'), fkd: [] };
    await context.checkpoint(Buffer.from(JSON.stringify(begun)), 0);
    return begun;
  };
  const earlier = resumeFrom && progressSoFar.parse(JSON.parse(resumeFrom.toString()));
  const done = earlier && (await areThere(store, [earlier.static, ...earlier.fkd])) ? earlier : await writeStatic();

  const steps = storedSteps(config);
  for (let first = done.fkd.length * STEPS_PER_FILE; first < steps; first += STEPS_PER_FILE) {
    const end = Math.min(steps, first + STEPS_PER_FILE);
    const batches: LabelledViews[] = [];
    for (let step = first; step < end; step++) {
      batches.push(labelStep(labeller, set, samples, config, seed, step));
      context.progress(step + 1, steps);
      await context.breathe();
    }
    const name = `fkd-${String(first).padStart(6, '0')}.safetensors`;
    const file = await putByDigest(store, 'labels', encodeLabels(batches, first, config.topK), '.safetensors');
    done.fkd.push({ ...file, name });
    await context.checkpoint(Buffer.from(JSON.stringify(done)), end);
  }
  return done;
};

/** A checkpoint may outlive the files that it names: what is gone is made again, to the same bytes. */
async function areThere(store: ObjectStore, files: readonly { readonly key: string }[]): Promise<boolean> {
  const found = await Promise.all(files.map(({ key }) => store.stat(key)));
  return found.every((object) => object !== null);
}
