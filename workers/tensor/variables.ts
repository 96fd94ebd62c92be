/**
 * TensorFlow's own variables, which its fused optimizer kernels update in place: one pass over the memory of a parameter
 * where a chain of operations takes ten.
 */
import { execute, only } from './kernels/execute.js';
import { type Tensor, tf } from './tensorflow.js';

/** TensorFlow's name for a variable that lives as long as its handle. */
const ANONYMOUS = 'cd2c89b7-88b7-44c8-ad83-06c2a9158347';
const DTYPE = ['dtype'];

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
  const attributes = { shape: { shape: value.shape }, container: '', shared_name: ANONYMOUS };
  const handle = tf.keep(only(execute('VarHandleOp', [], attributes, 1, DTYPE)));
  const assign = (next: Tensor) => {
    execute('AssignVariableOp', [handle, next], {}, 0, DTYPE);
  };
  assign(value);
  return {
    handle,
    read: () => only(execute('ReadVariableOp', [handle], {}, 1, DTYPE)),
    assign,
    dispose: () => handle.dispose(),
  };
}

const PLAIN_UPDATE = { use_locking: false, use_nesterov: false };

/** v' = v - scale x, in one pass over the variable; x may be the value of another one. */
export function subtractScaled(variable: Variable, scale: Tensor, x: Tensor): void {
  execute('ResourceApplyGradientDescent', [variable.handle, scale, x], { use_locking: false }, 0);
}

/** v' = momentum v + gradient;  p' = p - rate v' */
export function applyMomentum(
  parameter: Variable,
  velocity: Variable,
  gradient: Tensor,
  { rate, momentum }: Record<'rate' | 'momentum', Tensor>,
): void {
  execute('ResourceApplyMomentum', [parameter.handle, velocity.handle, rate, gradient, momentum], PLAIN_UPDATE, 0);
}

/** m' = b1 m + (1 - b1) g;  v' = b2 v + (1 - b2) g^2;  p' = p - rate sqrt(1 - b2^t) / (1 - b1^t) m' / (sqrt(v') + epsilon) */
export function applyAdam(
  [parameter, first, second]: readonly [Variable, Variable, Variable],
  gradient: Tensor,
  scalars: Record<'beta1ToT' | 'beta2ToT' | 'rate' | 'beta1' | 'beta2' | 'epsilon', Tensor>,
): void {
  const { beta1ToT, beta2ToT, rate, beta1, beta2, epsilon } = scalars;
  const inputs = [parameter.handle, first.handle, second.handle];
  inputs.push(beta1ToT, beta2ToT, rate, beta1, beta2, epsilon, gradient);
  execute('ResourceApplyAdam', inputs, PLAIN_UPDATE, 0);
}
