/**
 * A network as data: operations in the order of their computation, each reading the outputs of earlier ones. Architectures
 * build it, and walks read it: workers/nn/training-pass.ts with trainable parameters, workers/nn/frozen.ts with fixed ones.
 * Parameters have the names that torchvision's modules give them (`layer1.0.conv1.weight`).
 */
import type { Stem } from '../../src/domain/architectures.js';
import type { ImageShape } from '../../src/domain/config/architecture.js';
import { TeddyhubError } from '../../src/domain/errors.js';

/** Position of the node whose output is read; the images are node 0. */
export type Ref = number;

export type Activation = 'RELU' | 'RELU6' | 'SILU' | 'SIGMOID';

export interface Convolution {
  readonly op: 'CONVOLUTION';
  readonly name: string;
  /** Side of the square kernel, stride, and zeros on every side of the input. */
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  /** Every channel has a kernel of its own. */
  readonly depthwise: boolean;
  readonly bias: boolean;
}

export type Operation =
  | { readonly op: 'IMAGES' }
  | Convolution
  | { readonly op: 'NORM'; readonly name: string }
  | { readonly op: 'ACTIVATION'; readonly kind: Activation }
  /** Maxima are taken of inputs that are not negative, as behind a ReLU, so that their padding is 0. */
  | { readonly op: 'MAX_POOL'; readonly size: number; readonly stride: number; readonly padding: number }
  | { readonly op: 'AVERAGE_POOL'; readonly size: number }
  /** The mean over all positions, [n, 1, 1, c]. */
  | { readonly op: 'GLOBAL_MEAN' }
  | { readonly op: 'ADD' }
  | { readonly op: 'CONCAT' }
  /** The second input, [n, 1, 1, c], scales the channels of the first. */
  | { readonly op: 'SCALE' }
  /** Channels `from` to `to`. */
  | { readonly op: 'SLICE'; readonly from: number; readonly to: number }
  /** Channels of two halves in turn (ShuffleNet's shuffle with two groups). */
  | { readonly op: 'SHUFFLE' };

export interface Node {
  readonly operation: Operation;
  readonly inputs: readonly Ref[];
  /** Of the output. */
  readonly shape: ImageShape;
  /** The nodes that read the output, ascending. */
  readonly readers: readonly Ref[];
}

/** Where the parameters of one layer live, and how many there are. */
export type ParameterSpec =
  | {
      readonly kind: 'KERNEL' | 'DEPTHWISE';
      readonly name: string;
      readonly shape: readonly [number, number, number, number];
    }
  | { readonly kind: 'BIAS'; readonly name: string; readonly shape: readonly [number]; readonly inputs: number }
  | {
      readonly kind: 'NORM_WEIGHT' | 'NORM_BIAS' | 'RUNNING_MEAN' | 'RUNNING_VAR';
      readonly name: string;
      readonly shape: readonly [number];
    }
  | { readonly kind: 'CLASSIFIER'; readonly name: string; readonly shape: readonly [number, number] };

/** How first weights are drawn: as a network's torchvision module does it, where there is one. */
export interface Initialization {
  /** He's normal distribution by inputs or by outputs, or PyTorch's own default: uniform up to 1 / sqrt(inputs). */
  readonly kernels: 'FAN_IN' | 'FAN_OUT' | 'UNIFORM';
  /** Uniform up to 1 / sqrt(inputs), PyTorch's default, or up to 1 / sqrt(classes), or normal of deviation .01. */
  readonly classifier?: 'BY_INPUTS' | 'BY_CLASSES' | 'NORMAL';
  /** Of the classifier, and of convolutions that have any; PyTorch's default is uniform up to 1 / sqrt(inputs). */
  readonly biases?: 'BY_INPUTS' | 'ZERO';
}

export interface Network {
  readonly nodes: readonly Node[];
  /** Batch norms in the order of their computation. */
  readonly norms: readonly { readonly name: string; readonly channels: number }[];
  /** In the order of their computation, the linear classifier last. */
  readonly parameters: readonly ParameterSpec[];
  /** Prefix of the classifier's parameters. It reads the last node, flattened: the penultimate features. */
  readonly classifier: string;
  readonly initialization: Initialization;
  /** Where it is not the one that goes with the side of the images: parameters may have the same shapes with either. */
  readonly stem?: Stem;
  readonly shape: ImageShape;
  readonly classes: number;
  /** Height, width and channels of the penultimate features. */
  readonly featureShape: ImageShape;
}

export const featuresOf = ({ featureShape: { height, width, channels } }: Network): number => height * width * channels;

export interface ConvolutionOptions {
  readonly kernel: number;
  readonly stride?: number;
  /** (kernel - 1) / 2 where it is left out. */
  readonly padding?: number;
  readonly depthwise?: boolean;
  readonly bias?: boolean;
}

/** Collects the nodes of a network; every method returns the position of the node it adds. */
export class NetworkBuilder {
  readonly images: Ref = 0;
  readonly #nodes: (Node & { readonly readers: Ref[] })[];
  readonly #norms: { name: string; channels: number }[] = [];
  readonly #parameters: ParameterSpec[] = [];

  constructor(
    private readonly shape: ImageShape,
    private readonly initialization: Initialization,
  ) {
    this.#nodes = [{ operation: { op: 'IMAGES' }, inputs: [], shape, readers: [] }];
  }

  shapeOf(x: Ref): ImageShape {
    const node = this.#nodes[x];
    if (node === undefined) throw new RangeError(`no node ${x}`);
    return node.shape;
  }

  /** Without a bias unless asked for one: a batch norm follows. */
  convolution(x: Ref, name: string, outputs: number, options: ConvolutionOptions): Ref {
    const { kernel, stride = 1, padding = (kernel - 1) / 2, depthwise = false, bias = false } = options;
    const { height, width, channels } = this.shapeOf(x);
    const sides = [height, width].map((side) => slide(side, kernel, stride, padding)) as [number, number];
    this.#parameters.push(
      depthwise
        ? { kind: 'DEPTHWISE', name: `${name}.weight`, shape: [kernel, kernel, channels, 1] }
        : { kind: 'KERNEL', name: `${name}.weight`, shape: [kernel, kernel, channels, outputs] },
    );
    if (bias) {
      const inputs = kernel * kernel * (depthwise ? 1 : channels);
      this.#parameters.push({ kind: 'BIAS', name: `${name}.bias`, shape: [outputs], inputs });
    }
    const operation = { op: 'CONVOLUTION', name, kernel, stride, padding, depthwise, bias } as const;
    return this.#add(operation, [x], { height: sides[0], width: sides[1], channels: outputs });
  }

  norm(x: Ref, name: string): Ref {
    const { channels } = this.shapeOf(x);
    this.#norms.push({ name, channels });
    for (const [kind, part] of [
      ['NORM_WEIGHT', 'weight'],
      ['NORM_BIAS', 'bias'],
      ['RUNNING_MEAN', 'running_mean'],
      ['RUNNING_VAR', 'running_var'],
    ] as const) {
      this.#parameters.push({ kind, name: `${name}.${part}`, shape: [channels] });
    }
    return this.#add({ op: 'NORM', name }, [x], this.shapeOf(x));
  }

  activation(x: Ref, kind: Activation): Ref {
    return this.#add({ op: 'ACTIVATION', kind }, [x], this.shapeOf(x));
  }

  maxPool(x: Ref, size: number, stride: number, padding: number): Ref {
    const { height, width, channels } = this.shapeOf(x);
    const [rows, columns] = [height, width].map((side) => slide(side, size, stride, padding)) as [number, number];
    return this.#add({ op: 'MAX_POOL', size, stride, padding }, [x], { height: rows, width: columns, channels });
  }

  averagePool(x: Ref, size: number): Ref {
    const { height, width, channels } = this.shapeOf(x);
    const [rows, columns] = [height, width].map((side) => slide(side, size, size, 0)) as [number, number];
    return this.#add({ op: 'AVERAGE_POOL', size }, [x], { height: rows, width: columns, channels });
  }

  globalMean(x: Ref): Ref {
    return this.#add({ op: 'GLOBAL_MEAN' }, [x], { height: 1, width: 1, channels: this.shapeOf(x).channels });
  }

  add(x: Ref, y: Ref): Ref {
    return this.#add({ op: 'ADD' }, [x, y], this.shapeOf(x));
  }

  concat(...parts: readonly Ref[]): Ref {
    const channels = parts.reduce((sum, part) => sum + this.shapeOf(part).channels, 0);
    return this.#add({ op: 'CONCAT' }, parts, { ...this.shapeOf(parts[0] as Ref), channels });
  }

  scale(x: Ref, by: Ref): Ref {
    return this.#add({ op: 'SCALE' }, [x, by], this.shapeOf(x));
  }

  slice(x: Ref, from: number, to: number): Ref {
    return this.#add({ op: 'SLICE', from, to }, [x], { ...this.shapeOf(x), channels: to - from });
  }

  shuffle(x: Ref): Ref {
    return this.#add({ op: 'SHUFFLE' }, [x], this.shapeOf(x));
  }

  /** Ends with a linear classifier of the last node's flattened output. Throws UNSUPPORTED_SHAPE where nothing is left of it. */
  classify(name: string, classes: number): Network {
    const { height, width, channels } = this.shapeOf(this.#nodes.length - 1);
    const smallest = Math.min(...this.#nodes.flatMap(({ shape }) => [shape.height, shape.width]));
    if (smallest < 1) {
      throw new TeddyhubError(
        'UNSUPPORTED_SHAPE',
        `Images of ${this.shape.height} x ${this.shape.width} are too small for the architecture: take larger images or a shallower one.`,
      );
    }
    const features = height * width * channels;
    this.#parameters.push({ kind: 'CLASSIFIER', name: `${name}.weight`, shape: [features, classes] });
    this.#parameters.push({ kind: 'BIAS', name: `${name}.bias`, shape: [classes], inputs: features });
    return {
      nodes: this.#nodes,
      norms: this.#norms,
      parameters: this.#parameters,
      classifier: name,
      initialization: this.initialization,
      shape: this.shape,
      classes,
      featureShape: { height, width, channels },
    };
  }

  #add(operation: Operation, inputs: readonly Ref[], shape: ImageShape): Ref {
    const at = this.#nodes.push({ operation, inputs, shape, readers: [] }) - 1;
    for (const input of inputs) this.#nodes[input]?.readers.push(at);
    return at;
  }
}

/** Positions of a window of `size` on a padded side. */
const slide = (side: number, size: number, stride: number, padding: number): number =>
  Math.floor((side + 2 * padding - size) / stride) + 1;
