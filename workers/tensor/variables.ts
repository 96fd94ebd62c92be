/**
 * TensorFlow's own variables, which its fused optimizer kernels update in place: one pass over the memory of a parameter
 * where a chain of operations takes ten.
 */
import { type Tensor, tf } from './tensorflow.js';

interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: boolean | number | string | readonly number[];
}

interface Backend {
  readonly binding: Record<
    'TF_ATTR_TYPE' | 'TF_ATTR_SHAPE' | 'TF_ATTR_STRING' | 'TF_ATTR_BOOL' | 'TF_FLOAT' | 'TF_RESOURCE',
    number
  >;
  executeMultipleOutputs(name: string, attributes: Attribute[], inputs: Tensor[], outputs: number): Tensor[];
}

const backend = () => tf.backend() as unknown as Backend;
const ofType = (name: string): Attribute => {
  const { TF_ATTR_TYPE, TF_FLOAT } = backend().binding;
  return { name, type: TF_ATTR_TYPE, value: TF_FLOAT };
};
const flag = (name: string): Attribute => ({ name, type: backend().binding.TF_ATTR_BOOL, value: false });

/** TensorFlow's name for a variable that lives as long as its handle. */
const ANONYMOUS = 'cd2c89b7-88b7-44c8-ad83-06c2a9158347';

/** A float32 variable. */
export interface Variable {
  readonly handle: Tensor;
  /** Its value now: a tensor of the caller's. Updates are in place only while no such tensor lives. */
  read(): Tensor;
  /** Takes the value of a tensor, which stays the caller's. */
  assign(value: Tensor): void;
  dispose(): void;
}

export function variable(value: Tensor): Variable {
  const { TF_ATTR_SHAPE, TF_ATTR_STRING } = backend().binding;
  const attributes = [
    ofType('dtype'),
    { name: 'shape', type: TF_ATTR_SHAPE, value: value.shape },
    { name: 'container', type: TF_ATTR_STRING, value: '' },
    { name: 'shared_name', type: TF_ATTR_STRING, value: ANONYMOUS },
  ];
  const [made] = backend().executeMultipleOutputs('VarHandleOp', attributes, [], 1) as [Tensor];
  const handle = tf.keep(made);
  const assign = (next: Tensor) => {
    backend().executeMultipleOutputs('AssignVariableOp', [ofType('dtype')], [handle, next], 0);
  };
  assign(value);
  return {
    handle,
    read: () => backend().executeMultipleOutputs('ReadVariableOp', [ofType('dtype')], [handle], 1)[0] as Tensor,
    assign,
    dispose: () => handle.dispose(),
  };
}

/** v' = momentum v + gradient;  p' = p - rate v' */
export function applyMomentum(
  parameter: Variable,
  velocity: Variable,
  gradient: Tensor,
  { rate, momentum }: Record<'rate' | 'momentum', Tensor>,
): void {
  const inputs = [parameter.handle, velocity.handle, rate, gradient, momentum];
  backend().executeMultipleOutputs('ResourceApplyMomentum', attributesOfUpdate(), inputs, 0);
}

/** m' = b1 m + (1 - b1) g;  v' = b2 v + (1 - b2) g^2;  p' = p - rate sqrt(1 - b2^t) / (1 - b1^t) m' / (sqrt(v') + epsilon) */
export function applyAdam(
  [parameter, first, second]: readonly [Variable, Variable, Variable],
  gradient: Tensor,
  scalars: Record<'beta1ToT' | 'beta2ToT' | 'rate' | 'beta1' | 'beta2' | 'epsilon', Tensor>,
): void {
  const { beta1ToT, beta2ToT, rate, beta1, beta2, epsilon } = scalars;
  const inputs = [parameter, first, second].map(({ handle }) => handle);
  inputs.push(beta1ToT, beta2ToT, rate, beta1, beta2, epsilon, gradient);
  backend().executeMultipleOutputs('ResourceApplyAdam', attributesOfUpdate(), inputs, 0);
}

const attributesOfUpdate = () => [ofType('T'), flag('use_locking'), flag('use_nesterov')];
