/** What a run can only be found wrong in when its dataset and its pool are known, and its making. */
import { architectureConfig, FKD_STEPS_PER_FILE, type RunConfig, storedSteps } from '../../domain/config.js';
import { TeddyhubError } from '../../domain/errors.js';
import { pickMatchedTeachers, planSynthesis, trainedTeachers } from '../../domain/task-planning.js';
import type { Transaction } from '../../platform/database/client.js';
import type { Teacher } from '../../platform/database/generated/client.js';
import { type ReadyDataset, requireReadyDataset } from '../kit/checks.js';
import { notFound, requireUuid } from '../kit/node.js';

export interface RunPlan {
  name: string;
  /** Global ids. */
  datasetId: string;
  teacherPoolId: string;
  config: RunConfig;
  seed: number;
  labels: string[];
}

/**
 * Makes the row of a QUEUED run. Mistakes are reported under `path`. Throws NOT_FOUND, INVALID_STATE, INVALID_INPUT,
 * TOO_FEW_IMAGES, UNSUPPORTED_SHAPE.
 */
export async function createRun(
  tx: Transaction,
  projectId: string,
  id: string,
  plan: RunPlan,
  path: readonly string[] = [],
  origin: { originRunId: string; originKind: 'CLONE' | 'RETRY' } | null = null,
): Promise<void> {
  const { name, config, seed, labels } = plan;
  const dataset = await requireReadyDataset(tx, projectId, plan.datasetId, [...path, 'datasetId']);
  const pool = await requireReadyPool(tx, projectId, dataset, plan.teacherPoolId, [...path, 'teacherPoolId']);
  checkConfig(config, dataset, pool.teachers, [...path, 'config']);
  await tx.distillationRun.create({
    data: { id, projectId, datasetId: dataset.id, poolId: pool.id, name, seed, config, labels, ...origin },
  });
}

async function requireReadyPool(
  tx: Transaction,
  projectId: string,
  dataset: ReadyDataset,
  globalId: string,
  field: readonly string[],
) {
  const pool = await tx.teacherPool.findFirst({
    where: { id: requireUuid('TeacherPool', globalId, field), projectId },
    include: { teachers: { select: { kind: true, accuracy: true, architecture: true } } },
  });
  if (pool === null) throw notFound('TeacherPool', globalId, field);
  if (pool.datasetId !== dataset.id) {
    throw new TeddyhubError('INVALID_INPUT', `Teacher pool ${pool.name} was trained on another dataset.`, { field });
  }
  if (pool.state !== 'READY') {
    const advice =
      pool.state === 'QUEUED' || pool.state === 'TRAINING' ? 'wait until it is READY' : 'train another one';
    throw new TeddyhubError('INVALID_STATE', `Teacher pool ${pool.name} is ${pool.state}: ${advice}.`, { field });
  }
  return pool;
}

/** They are made in one transaction, and counted at the end of each. */
const MOST_TASKS = 10_000;
/** topK names classes by 16 bits (src/formats/labels.ts). */
const MOST_TOP_K_CLASSES = 2 ** 15;
/** No object is larger: neither Node nor most readers take that many bytes at once. */
const MOST_LABEL_GIBIBYTES = 2;

function checkConfig(
  { teachers: selection, synthesis, labels }: RunConfig,
  dataset: ReadyDataset,
  pool: readonly Pick<Teacher, 'kind' | 'accuracy' | 'architecture'>[],
  path: readonly string[],
): void {
  const { imagesPerClass, formation, teachersPerStep } = synthesis;
  const fewest = Math.min(...dataset.trainPerClass);
  if (fewest < imagesPerClass) {
    const name = dataset.classNames[dataset.trainPerClass.indexOf(fewest)];
    throw new TeddyhubError(
      'TOO_FEW_IMAGES',
      `Class ${name} has ${fewest} training images, fewer than the ${imagesPerClass} images per class asked for.`,
      { field: [...path, 'synthesis', 'imagesPerClass'] },
    );
  }
  const matching = pickMatchedTeachers(pool, selection);
  const architectures = matching.map(({ architecture }) => ({ architecture: architectureConfig.parse(architecture) }));
  const tasks = matching.length === 0 ? [] : planSynthesis(synthesis, dataset, architectures);
  if (tasks.length > MOST_TASKS) {
    throw new TeddyhubError(
      'INVALID_INPUT',
      `The run would have ${tasks.length} tasks, and may have ${MOST_TASKS}: take larger ones (imagesPerClassPerTask, classesPerTask).`,
      { field: [...path, 'synthesis', 'imagesPerClassPerTask'] },
    );
  }
  const { height, width } = dataset.shape;
  if (height % formation !== 0 || width % formation !== 0) {
    throw new TeddyhubError(
      'UNSUPPORTED_SHAPE',
      `Formation ${formation} needs sides that ${formation} divides, and the images are ${height} x ${width}: use formation 1.`,
      { field: [...path, 'synthesis', 'formation'] },
    );
  }
  const matched = matching.length;
  if (matched === 0) {
    const { kinds, minAccuracy, maxAccuracy } = selection;
    throw new TeddyhubError(
      'INVALID_INPUT',
      `config.teachers: none of the ${pool.length} teachers of the pool is ${kinds.join(' or ')} with an accuracy of ${minAccuracy} to ${maxAccuracy} %; widen the selection.`,
      { field: [...path, 'teachers'] },
    );
  }
  const atMost = (most: number, what: string, wanted: number, field: readonly string[]) => {
    if (wanted <= most) return;
    const message = `${field.at(-1)} is ${wanted}, but there are only ${most} ${what}.`;
    throw new TeddyhubError('INVALID_INPUT', message, { field });
  };
  if (synthesis.init === 'REAL_CROPS' && trainedTeachers(matching).length === 0) {
    throw new TeddyhubError(
      'INVALID_INPUT',
      'init: REAL_CROPS are the crops that the best matched teacher is surest of, and none that config.teachers leaves was trained: widen the selection, or start otherwise.',
      { field: [...path, 'synthesis', 'init'] },
    );
  }
  const fewestImages = Math.min(...tasks.map((task) => task.imagesPerClass));
  if (synthesis.rounds > fewestImages) {
    throw new TeddyhubError(
      'INVALID_INPUT',
      `rounds is ${synthesis.rounds}, and a task of this run has ${fewestImages} images of a class to join in them: use fewer, or larger tasks (imagesPerClassPerTask, classesPerTask).`,
      { field: [...path, 'synthesis', 'rounds'] },
    );
  }
  const classes = dataset.classNames.length;
  if (labels.topK > 0 && classes > MOST_TOP_K_CLASSES) {
    const message = `topK names classes by 16 bits, which is enough for ${MOST_TOP_K_CLASSES} of them and not for ${classes}: use topK 0.`;
    throw new TeddyhubError('INVALID_INPUT', message, { field: [...path, 'labels', 'topK'] });
  }
  const within = (logits: number, advice: string, field: readonly string[]) => {
    const gibibytes = Math.round((10 * 2 * logits) / 2 ** 30) / 10;
    if (gibibytes < MOST_LABEL_GIBIBYTES) return;
    const message = `A file of labels would have ${gibibytes} GiB, and must have less than ${MOST_LABEL_GIBIBYTES}: ${advice}.`;
    throw new TeddyhubError('INVALID_INPUT', message, { field });
  };
  const samples = imagesPerClass * formation ** 2 * classes;
  within(samples * classes, 'take fewer images per class, a smaller formation or fewer classes', [
    ...path,
    'synthesis',
    'imagesPerClass',
  ]);
  // Whole rows, whatever is stored of them: they are cut to topK in memory, and filled up again there.
  const views = Math.min(FKD_STEPS_PER_FILE, storedSteps(labels)) * labels.fkdBatchSize;
  within(views * classes, 'take smaller batches', [...path, 'labels', 'fkdBatchSize']);
  const trained = trainedTeachers(pool).length;
  atMost(matched, 'teachers to match', teachersPerStep, [...path, 'synthesis', 'teachersPerStep']);
  atMost(trained, 'trained teachers in the pool', labels.ensembleSize, [...path, 'labels', 'ensembleSize']);
}
