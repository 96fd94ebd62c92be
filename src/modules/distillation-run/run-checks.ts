/** What a run's configuration can only be found wrong in when its dataset and its pool are known. */
import { MOST_OBJECT_BYTES } from '../../domain/architectures.js';
import { architectureConfig } from '../../domain/config/architecture.js';
import { FKD_STEPS_PER_FILE, type RunConfig, storedSteps, weightOf } from '../../domain/config/run.js';
import { type FailureCode, TeddyhubError } from '../../domain/errors.js';
import {
  countSynthesisTasks,
  pickMatchedTeachers,
  pickSelectedTeachers,
  planSynthesis,
  trainedTeachers,
} from '../../domain/task-planning.js';
import type { Teacher } from '../../platform/database/generated/client.js';
import type { ReadyDataset } from '../kit/checks.js';

type Candidate = Pick<Teacher, 'kind' | 'accuracy' | 'architecture'>;
/** Refuses a field of the configuration, by its path below it. */
type Refuse = (code: FailureCode, field: readonly string[], message: string) => never;

/** They are made in one transaction, and counted at the end of each. */
const MOST_TASKS = 10_000;
/** topK names classes by 16 bits (src/formats/labels.ts). */
const MOST_TOP_K_CLASSES = 2 ** 15;
const MOST_GIBIBYTES = MOST_OBJECT_BYTES / 2 ** 30;
/** Of a value of an image in a checkpoint of synthesis: itself and two moments of Adam, in float32. */
const CHECKPOINT_BYTES = 12;

/** Mistakes are reported under `path`. Throws INVALID_INPUT, TOO_FEW_IMAGES, UNSUPPORTED_SHAPE. */
export function checkConfig(
  config: RunConfig,
  dataset: ReadyDataset,
  pool: readonly Candidate[],
  path: readonly string[],
): void {
  const refuse: Refuse = (code, field, message) => {
    throw new TeddyhubError(code, message, { field: [...path, ...field] });
  };
  checkImages(config, dataset, refuse);
  checkWeights(config, checkSelection(config, pool, refuse), refuse);
  const matched = pickMatchedTeachers(pool, config);
  checkTeachers(config, pool, matched, refuse);
  checkTasks(config, dataset, matched, refuse);
  checkLabels(config, dataset, refuse);
}

function checkImages({ synthesis }: RunConfig, { classNames, trainPerClass, shape }: ReadyDataset, refuse: Refuse) {
  const { imagesPerClass, formation } = synthesis;
  const fewest = Math.min(...trainPerClass);
  if (fewest < imagesPerClass) {
    const name = classNames[trainPerClass.indexOf(fewest)];
    refuse(
      'TOO_FEW_IMAGES',
      ['synthesis', 'imagesPerClass'],
      `Class ${name} has ${fewest} training images, fewer than the ${imagesPerClass} images per class asked for.`,
    );
  }
  const { height, width } = shape;
  if (height % formation !== 0 || width % formation !== 0) {
    refuse(
      'UNSUPPORTED_SHAPE',
      ['synthesis', 'formation'],
      `Formation ${formation} needs sides that ${formation} divides, and the images are ${height} x ${width}: use formation 1.`,
    );
  }
}

/** Answers the teachers that are selected. */
function checkSelection({ teachers }: RunConfig, pool: readonly Candidate[], refuse: Refuse): Candidate[] {
  const selected = pickSelectedTeachers(pool, teachers);
  if (selected.length === 0) {
    const { kinds, minAccuracy, maxAccuracy } = teachers;
    refuse(
      'INVALID_INPUT',
      ['teachers'],
      `config.teachers: none of the ${pool.length} teachers of the pool is ${kinds.join(' or ')} with an accuracy of ${minAccuracy} to ${maxAccuracy} %; widen the selection.`,
    );
  }
  return selected;
}

function checkTeachers(
  { synthesis, labels }: RunConfig,
  pool: readonly Candidate[],
  matched: readonly Candidate[],
  refuse: Refuse,
): void {
  if (synthesis.init === 'REAL_CROPS' && trainedTeachers(matched).length === 0) {
    refuse(
      'INVALID_INPUT',
      ['synthesis', 'init'],
      'init: REAL_CROPS are the crops that the best matched teacher is surest of, and none that is matched was trained: match one (teachers, architectureWeights), or start otherwise.',
    );
  }
  const atMost = (most: number, what: string, wanted: number, field: readonly string[]) => {
    if (wanted > most)
      refuse('INVALID_INPUT', field, `${field.at(-1)} is ${wanted}, but there are only ${most} ${what}.`);
  };
  atMost(matched.length, 'teachers to match', synthesis.teachersPerStep, ['synthesis', 'teachersPerStep']);
  atMost(trainedTeachers(pool).length, 'trained teachers in the pool', labels.ensembleSize, ['labels', 'ensembleSize']);
}

/** A run that nothing moves would publish the images that it began with. */
function checkWeights({ synthesis }: RunConfig, selected: readonly Candidate[], refuse: Refuse) {
  const { crossEntropyWeight, momentsWeight, classMeanWeight, architectureWeights } = synthesis;
  if (crossEntropyWeight + momentsWeight + classMeanWeight === 0) {
    refuse(
      'INVALID_INPUT',
      ['synthesis', 'crossEntropyWeight'],
      'crossEntropyWeight, momentsWeight and classMeanWeight are all 0, so that nothing is matched: give one of them a weight.',
    );
  }
  const architectures = selected.map(({ architecture }) => architectureConfig.parse(architecture));
  const field = ['synthesis', 'architectureWeights'];
  const idle = architectureWeights.find((one) => architectures.every(({ name }) => name !== one.name));
  if (idle !== undefined) {
    const families = [...new Set(architectures.map(({ name }) => name))].join(', ');
    refuse('INVALID_INPUT', field, `No selected teacher is of ${idle.name}: they are of ${families}.`);
  }
  if (architectures.every((architecture) => weightOf(synthesis, architecture) === 0)) {
    refuse('INVALID_INPUT', field, 'All selected teachers have weight 0: leave one out to give it the weight 1.');
  }
}

function checkTasks({ synthesis }: RunConfig, dataset: ReadyDataset, matched: readonly Candidate[], refuse: Refuse) {
  const architectures = matched.map(({ architecture }) => ({ architecture: architectureConfig.parse(architecture) }));
  const tasks = countSynthesisTasks(synthesis, dataset, architectures);
  if (tasks > MOST_TASKS) {
    refuse(
      'INVALID_INPUT',
      ['synthesis', 'imagesPerClassPerTask'],
      `The run would have ${tasks} tasks, and may have ${MOST_TASKS}: take larger ones (imagesPerClassPerTask, classesPerTask).`,
    );
  }
  const plan = planSynthesis(synthesis, dataset, architectures);
  const { height, width, channels } = dataset.shape;
  const most = Math.max(...plan.map(({ classes, imagesPerClass }) => classes.length * imagesPerClass));
  const gibibytes = gibibytesOf(most * height * width * channels * CHECKPOINT_BYTES);
  if (gibibytes >= MOST_GIBIBYTES) {
    refuse(
      'INVALID_INPUT',
      ['synthesis', 'imagesPerClassPerTask'],
      `A checkpoint of a task of ${most} images would have ${gibibytes} GiB, and must have less than ${MOST_GIBIBYTES}: take smaller tasks (imagesPerClassPerTask, classesPerTask).`,
    );
  }
  const fewest = Math.min(...plan.map(({ imagesPerClass }) => imagesPerClass));
  if (synthesis.rounds > fewest) {
    refuse(
      'INVALID_INPUT',
      ['synthesis', 'rounds'],
      `rounds is ${synthesis.rounds}, and a task of this run has ${fewest} images of a class to join in them: use fewer, or larger tasks (imagesPerClassPerTask, classesPerTask).`,
    );
  }
}

/** To a tenth. */
const gibibytesOf = (bytes: number): number => Math.round((10 * bytes) / 2 ** 30) / 10;

function checkLabels({ synthesis, labels }: RunConfig, dataset: ReadyDataset, refuse: Refuse) {
  const classes = dataset.classNames.length;
  if (labels.topK > 0 && classes > MOST_TOP_K_CLASSES) {
    refuse(
      'INVALID_INPUT',
      ['labels', 'topK'],
      `topK names classes by 16 bits, which is enough for ${MOST_TOP_K_CLASSES} of them and not for ${classes}: use topK 0.`,
    );
  }
  const within = (logits: number, advice: string, field: readonly string[]) => {
    const gibibytes = gibibytesOf(2 * logits);
    if (gibibytes < MOST_GIBIBYTES) return;
    refuse(
      'INVALID_INPUT',
      field,
      `A file of labels would have ${gibibytes} GiB, and must have less than ${MOST_GIBIBYTES}: ${advice}.`,
    );
  };
  const samples = synthesis.imagesPerClass * synthesis.formation ** 2 * classes;
  within(samples * classes, 'take fewer images per class, a smaller formation or fewer classes', [
    'synthesis',
    'imagesPerClass',
  ]);
  const shown = storedSteps(labels) * labels.fkdBatchSize;
  if (shown < samples) {
    const steps = Math.ceil(samples / labels.fkdBatchSize / labels.keptShare);
    refuse(
      'INVALID_INPUT',
      ['labels', 'fkdSteps'],
      `Labels of ${shown} views would leave out some of the ${samples} samples of the set: take ${steps} fkdSteps or more, larger batches (fkdBatchSize) or a larger keptShare.`,
    );
  }
  // Whole rows, whatever is stored of them: they are cut to topK in memory, and filled up again there.
  const views = Math.min(FKD_STEPS_PER_FILE, storedSteps(labels)) * labels.fkdBatchSize;
  within(views * classes, 'take smaller batches', ['labels', 'fkdBatchSize']);
}
