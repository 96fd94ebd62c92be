import { registerEnumType } from 'type-graphql';
import {
  architectureWeight,
  labelConfig,
  runConfig,
  synthesisConfig,
  teacherSelection,
} from '../../domain/config/run.js';
import { TeacherKind } from '../../platform/database/generated/enums.js';
import { configTypes } from '../kit/config-types.js';
import { ArchitectureName, Augmentation } from '../kit/network.type.js';

const SynthesisInit = { RANDOM_REAL: 'RANDOM_REAL', REAL_CROPS: 'REAL_CROPS', NOISE: 'NOISE' } as const;
registerEnumType(SynthesisInit, {
  name: 'SynthesisInit',
  description: 'What synthetic images begin as.',
  valuesConfig: {
    RANDOM_REAL: { description: 'Random real images of their class.' },
    REAL_CROPS: { description: 'Crops of real images, those that the best teacher is surest of.' },
    NOISE: { description: 'Noise: every pixel uniform, whatever the data.' },
  },
});

const TeacherOrder = { ROUND_ROBIN: 'ROUND_ROBIN', RANDOM: 'RANDOM' } as const;
registerEnumType(TeacherOrder, {
  name: 'TeacherOrder',
  description: 'Which teachers a step takes.',
  valuesConfig: {
    ROUND_ROBIN: { description: 'One after the other.' },
    RANDOM: { description: 'Drawn anew for every step; none comes twice in one step.' },
  },
});

const Mix = { NONE: 'NONE', CUTMIX: 'CUTMIX', MIXUP: 'MIXUP' } as const;
registerEnumType(Mix, {
  name: 'Mix',
  description: 'How two images of a view are mixed.',
  valuesConfig: {
    NONE: { description: 'They are not.' },
    CUTMIX: { description: 'A rectangle of one is pasted into the other.' },
    MIXUP: { description: 'They are blended.' },
  },
});

const Weighting = { PLAIN: 'PLAIN', NORM_BALANCED: 'NORM_BALANCED', ACCURACY: 'ACCURACY' } as const;
registerEnumType(Weighting, {
  name: 'EnsembleWeighting',
  description: 'How the logits of several teachers become one label.',
  valuesConfig: {
    PLAIN: { description: 'Their mean.' },
    NORM_BALANCED: { description: 'Their mean after each was brought to the mean norm over the batch (G-VBSM).' },
    ACCURACY: { description: 'Weighted by the softmax of accuracy in percent over 10 (CV-DD).' },
  },
});

const ArchitectureWeight = configTypes(
  'ArchitectureWeight',
  'How much the loss of teachers of one family weighs.',
  architectureWeight,
  { name: { about: 'The family.', type: ArchitectureName }, weight: 'Factor of their loss; 0 leaves them out.' },
);

const SynthesisConfig = configTypes('SynthesisConfig', 'How synthetic images are made.', synthesisConfig, {
  imagesPerClass: "Full images' worth of pixels of every class.",
  formation: 'f: f x f cells of a fraction of the side share the pixels of one image; each is a sample of its own.',
  steps: 'Matching steps.',
  learningRate: 'Initial learning rate, for pixel values scaled to [0, 1].',
  imagesPerClassPerTask: 'Maximum number of images per class in one task.',
  classesPerTask:
    'Maximum number of classes in one task. 0: as many classes and images as keep the activations of one step below 8 GiB.',
  init: { about: 'What the images begin as.', type: SynthesisInit },
  teachersPerStep: 'Teachers of the pool that a step matches.',
  teacherOrder: { about: 'Which ones a step takes.', type: TeacherOrder },
  crossEntropyWeight: 'Weight of the cross-entropy.',
  momentsWeight: 'Weight of the first and second moments at the batch norms.',
  firstLayerWeight: 'Weight of the first batch norm among them; the others have 1.',
  classMeanWeight: 'Weight of the class means of the penultimate features.',
  momentsMemory:
    "Decay of the moving average of each teacher's batch moments that is matched; 0 matches those of the step alone.",
  rounds:
    'Rounds in which the images of a task join the optimisation: an equal share every `steps / rounds` steps. The last stay closest to how they began.',
  architectureWeights: {
    about: 'Weights of teachers of some families among those of others, which have 1.',
    type: ArchitectureWeight,
  },
  augmentation: { about: 'Random changes of the images before a step.', type: Augmentation },
  cropScaleMin:
    'Smallest share of the area that the random crop of an image is drawn with, before a step; 1 crops nothing.',
  checkpointEvery: 'Steps between two checkpoints of images and optimizer state.',
});

export const LabelConfig = configTypes('LabelConfig', 'How soft labels are made.', labelConfig, {
  staticViews: 'Views averaged into one vector a sample.',
  fkdSteps: 'Training steps for which the labels of every view are stored.',
  fkdBatchSize: 'Images of such a step.',
  cropScaleMin: 'Smallest share of the area that the random crop of a view is drawn with.',
  flip: 'Whether views are mirrored left to right, half of the time.',
  mix: { about: 'How views are mixed.', type: Mix },
  ensembleSize: 'How many trained teachers label, the best by accuracy first.',
  weighting: { about: 'How their logits become one.', type: Weighting },
  topK: 'Logits that FKD stores of a view, the largest; 0 stores all.',
  keptShare: 'Share of the steps whose labels are stored; students go through them again.',
});

const TeacherSelection = configTypes('TeacherSelection', 'Which teachers of the pool are matched.', teacherSelection, {
  kinds: { about: 'Teachers of these kinds.', type: TeacherKind },
  minAccuracy: 'The least accuracy, percent.',
  maxAccuracy: 'The largest accuracy, percent.',
});

export const RunConfig = configTypes('RunConfig', 'How a dataset is distilled.', runConfig, {
  teachers: {
    about: 'Which teachers of the pool are matched; those that label are of the whole pool.',
    type: TeacherSelection,
  },
  synthesis: { about: 'How images are made.', type: SynthesisConfig },
  labels: { about: 'How they are labelled.', type: LabelConfig },
});
