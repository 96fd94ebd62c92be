/** LABELING: the ensemble's labels of a run's images, static and for every stored view; resumable to the same bytes. */
import { z } from 'zod';
import { FKD_STEPS_PER_FILE as STEPS_PER_FILE, storedSteps } from '../../src/domain/config/run.js';
import { namedFileRef, objectRef } from '../../src/domain/jobs/references.js';
import { fkdName } from '../../src/domain/manifest.js';
import { decodeLabels, encodeLabels, type LabelledViews } from '../../src/formats/labels.js';
import { decodeSafetensors, encodeSafetensors, tensorOfFile } from '../../src/formats/safetensors.js';
import { getIntact, type ObjectStore, putByDigest } from '../../src/platform/object-store/object-store.js';
import { readSynthetic } from '../teddy/dataset.js';
import { labelStep, loadLabeller, type StaticPass, staticLabels, staticPasses } from '../teddy/labels.js';
import type { Job } from './job.js';

/**
 * Views that the ensemble sees between two checkpoints of the static labels: a minute of a deep network, and seconds of a small one.
 * At most so many in all, as each leaves a file as large as the labels until garbage collection.
 */
const CHECKPOINT_EVERY = 10_000;
const MOST_CHECKPOINTS = 20;

/** The files that are whole, and of the next one what there is. */
const filesSoFar = z.object({
  static: objectRef.optional(),
  fkd: z.array(namedFileRef),
  begun: objectRef.optional(),
});
type FilesSoFar = z.infer<typeof filesSoFar>;

export const label: Job<'LABELING'> = async ({ dataset, teachers, images, config, seed }, context) => {
  const { store, resumeFrom } = context;
  const labeller = await loadLabeller(store, dataset, teachers, config);
  const { set, samples } = await readSynthetic(context, images);
  const steps = storedSteps(config);
  const { static: whole, fkd, begun } = await filesOf(store, resumeFrom);
  const keep = (file: Buffer) => putByDigest(store, 'labels', file, '.safetensors');
  const save = (files: FilesSoFar, step: number) => context.checkpoint(Buffer.from(JSON.stringify(files)), step);

  const writeStatic = async () => {
    const encode = ({ means, done }: StaticPass) =>
      encodeSafetensors(
        { logits: { dtype: 'F16', shape: [samples, dataset.classNames.length], data: means } },
        done < samples ? { done: String(done) } : {},
      );
    const from = begun && staticPassOf(begun);
    const viewsOf = (count: number) => count * staticPasses(config) * teachers.length;
    const every = Math.max(CHECKPOINT_EVERY, viewsOf(samples) / MOST_CHECKPOINTS);
    let saved = from?.done ?? 0;
    const passed = async (pass: StaticPass) => {
      const due = viewsOf(pass.done - saved) >= every || context.stopping();
      if (!due || pass.done === samples) return;
      await save({ fkd, begun: await keep(encode(pass)) }, 0);
      saved = pass.done;
    };
    const reports = { breathe: () => context.breathe(), passed };
    const means = await staticLabels(labeller, set, samples, config, seed, reports, from);
    const file = await keep(encode({ means, done: samples }));
    await save({ static: file, fkd }, 0);
    return file;
  };
  const staticFile = whole ?? (await writeStatic());

  // Of a file of views only where that of the static labels is whole.
  let batches: LabelledViews[] = whole && begun ? decodeLabels(begun).batches : [];
  for (let first = fkd.length * STEPS_PER_FILE; first < steps; first += STEPS_PER_FILE) {
    const end = Math.min(steps, first + STEPS_PER_FILE);
    for (let step = first + batches.length; step < end; step++) {
      batches.push(labelStep(labeller, set, samples, config, seed, step));
      context.progress(step + 1, steps);
      if (step + 1 < end && context.stopping()) {
        const part = await keep(encodeLabels(batches, first, config.topK));
        await save({ static: staticFile, fkd, begun: part }, step + 1);
      }
      await context.breathe();
    }
    fkd.push({ ...(await keep(encodeLabels(batches, first, config.topK))), name: fkdName(first) });
    batches = [];
    await save({ static: staticFile, fkd }, end);
  }
  return { static: staticFile, fkd };
};

function staticPassOf(bytes: Buffer): StaticPass {
  const file = decodeSafetensors(bytes);
  return { means: tensorOfFile(file, 'logits', 'F16').data, done: Number(file.metadata.done) };
}

/**
 * A checkpoint may outlive the files that it names: where a whole one is gone all are made again, to the same bytes, and what is
 * begun where that is gone or damaged.
 */
async function filesOf(store: ObjectStore, checkpoint: Buffer | undefined) {
  const none = { static: undefined, fkd: [], begun: undefined };
  if (checkpoint === undefined) return none;
  const { begun, ...files } = filesSoFar.parse(JSON.parse(checkpoint.toString()));
  const named = [...files.fkd, files.static].filter((file) => file !== undefined);
  const found = await Promise.all(named.map(({ key }) => store.stat(key)));
  if (found.some((object) => object === null)) return none;
  return { static: files.static, fkd: files.fkd, begun: begun && (await getIntact(store, begun)) };
}
