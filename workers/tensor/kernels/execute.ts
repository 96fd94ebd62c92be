/** How the kernels of this folder call TensorFlow's operations and give them gradients. */
import { type Tensor, tf } from '../tensorflow.js';

type Value = boolean | number | string | readonly number[];

interface Attribute {
  name: string;
  type: number;
  value: Value;
}

interface Backend {
  readonly binding: Record<
    'TF_ATTR_TYPE' | 'TF_ATTR_BOOL' | 'TF_ATTR_FLOAT' | 'TF_ATTR_INT' | 'TF_ATTR_STRING' | 'TF_FLOAT',
    number
  >;
  executeMultipleOutputs(name: string, attributes: Attribute[], inputs: Tensor[], outputs: number): Tensor[];
}

/** Runs one TensorFlow operation on float32 inputs; `types` are the names of its type attributes. Arrays are of integers. */
export function execute(
  name: string,
  inputs: Tensor[],
  attributes: Record<string, Value> = {},
  outputs = 1,
  types: readonly string[] = ['T'],
): Tensor[] {
  const backend = tf.backend() as unknown as Backend;
  const { TF_ATTR_TYPE, TF_ATTR_BOOL, TF_ATTR_FLOAT, TF_ATTR_INT, TF_ATTR_STRING, TF_FLOAT } = backend.binding;
  const typeOf = (value: Value) => {
    if (Array.isArray(value)) return TF_ATTR_INT;
    return typeof value === 'boolean' ? TF_ATTR_BOOL : typeof value === 'number' ? TF_ATTR_FLOAT : TF_ATTR_STRING;
  };
  const list: Attribute[] = [
    ...types.map((type) => ({ name: type, type: TF_ATTR_TYPE, value: TF_FLOAT })),
    ...Object.entries(attributes).map(([key, value]) => ({ name: key, type: typeOf(value), value })),
  ];
  return backend.executeMultipleOutputs(name, list, inputs, outputs);
}

export type Save = (tensors: Tensor[]) => void;

/** An operation of tensors with a gradient of its own; `save` keeps what the gradient needs. */
export function differentiable<T extends Tensor>(
  inputs: Tensor[],
  forward: (save: Save) => T,
  backward: (dy: T, saved: Tensor[]) => Tensor | Tensor[],
): T {
  const operation = tf.customGrad((...args: unknown[]) => ({
    value: forward(args.at(-1) as Save),
    gradFunc: (dy: Tensor, saved: Tensor[]) => backward(dy as T, saved),
  }));
  return operation(...inputs) as T;
}

export const only = <T extends Tensor>(tensors: Tensor[]): T => tensors[0] as T;
