/** How the kernels of this folder, and variables, call TensorFlow's operations, and how kernels get gradients. */
import { type Tensor, tf } from '../tensorflow.js';

/** A list is of integers. */
type Value = boolean | number | string | readonly number[] | { readonly shape: readonly number[] };

interface Attribute {
  name: string;
  type: number;
  value: Exclude<Value, { readonly shape: readonly number[] }>;
}

interface Backend {
  readonly binding: Record<
    'TF_ATTR_TYPE' | 'TF_ATTR_BOOL' | 'TF_ATTR_FLOAT' | 'TF_ATTR_INT' | 'TF_ATTR_STRING' | 'TF_ATTR_SHAPE' | 'TF_FLOAT',
    number
  >;
  executeMultipleOutputs(name: string, attributes: Attribute[], inputs: Tensor[], outputs: number): Tensor[];
}

/** Runs one TensorFlow operation on float32 inputs or variables; `types` are the names of its type attributes. */
export function execute(
  name: string,
  inputs: Tensor[],
  attributes: Record<string, Value> = {},
  outputs = 1,
  types: readonly string[] = ['T'],
): Tensor[] {
  const backend = tf.backend() as unknown as Backend;
  const { TF_ATTR_TYPE, TF_ATTR_BOOL, TF_ATTR_FLOAT, TF_ATTR_INT, TF_ATTR_STRING, TF_ATTR_SHAPE, TF_FLOAT } =
    backend.binding;
  const attributeOf = (key: string, value: Value): Attribute => {
    if (typeof value === 'object' && 'shape' in value) return { name: key, type: TF_ATTR_SHAPE, value: value.shape };
    if (typeof value === 'object') return { name: key, type: TF_ATTR_INT, value };
    if (typeof value === 'boolean') return { name: key, type: TF_ATTR_BOOL, value };
    return { name: key, type: typeof value === 'number' ? TF_ATTR_FLOAT : TF_ATTR_STRING, value };
  };
  const list: Attribute[] = [
    ...types.map((type) => ({ name: type, type: TF_ATTR_TYPE, value: TF_FLOAT })),
    ...Object.entries(attributes).map(([key, value]) => attributeOf(key, value)),
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
