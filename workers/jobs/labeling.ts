/** LABELING: the ensemble's labels of a run's images, static and for every stored view; resumable file by file. */
import { z } from 'zod';
import { storedSteps } from '../../src/domain/config.js';
import { namedFileRef, objectRef } from '../../src/domain/jobs/references.js';
import { encodeLabels, type LabelledViews } from '../../src/formats/labels.js';
import { decodeSafetensors, encodeSafetensors, tensorOfFile } from '../../src/formats/safetensors.js';
import { getVerified, putByDigest } from '../../src/platform/object-store/object-store.js';
import type { HostImages } from '../nn/views.js';
import { labelStep, loadLabeller, staticLabels } from '../teddy/labels.js';
import type { Job, JobContext } from './job.js';

const STEPS_PER_FILE = 100;

const progressSoFar = z.object({ static: objectRef, fkd: z.array(namedFileRef) });

export const label: Job<'LABELING'> = async ({ dataset, teachers, images, config, seed }, context) => {
  const { store, resumeFrom } = context;
  const labeller = await loadLabeller(store, dataset, teachers, config);
  const { set, samples } = await readSynthetic(context, images);

  const writeStatic = async () => {
    const logits = await staticLabels(labeller, set, samples, config, seed, () => context.breathe());
    const file = encodeSafetensors({
      logits: { dtype: 'F16', shape: [samples, dataset.classNames.length], data: logits },
    });
    return { static: await putByDigest(store, 'labels', file, '.safetensors'), fkd: [] };
  };
  const done = resumeFrom ? progressSoFar.parse(JSON.parse(resumeFrom.toString())) : await writeStatic();

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

/** The images of all synthesis tasks, one after another. */
async function readSynthetic(
  { store }: JobContext,
  images: readonly z.infer<typeof objectRef>[],
): Promise<{ set: HostImages; samples: number }> {
  const parts: { shape: readonly number[]; data: Uint8Array }[] = [];
  for (const ref of images) {
    const file = decodeSafetensors(await getVerified(store, ref));
    parts.push(tensorOfFile(file, 'images', 'U8', [-1, -1, -1, -1]));
  }
  const [, height = 0, width = 0, channels = 0] = parts[0]?.shape ?? [];
  const pixels = Buffer.concat(parts.map(({ data }) => data));
  const samples = parts.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
  return { set: { images: new Uint8Array(pixels), height, width, channels }, samples };
}
