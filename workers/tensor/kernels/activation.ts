/** Activations whose gradients are kernels of their own, where tfjs composes them of several. */
import { type Tensor, type Tensor4D, tf } from '../tensorflow.js';
import { differentiable, execute, only, type Save } from './execute.js';

export const reluGradient = (dy: Tensor4D, y: Tensor): Tensor4D => only(execute('ReluGrad', [dy, y]));

/** y of an element-wise function whose gradient is a kernel of (dy, y). */
function pointwise(
  x: Tensor4D,
  of: (x: Tensor4D) => Tensor4D,
  gradient: (dy: Tensor4D, y: Tensor4D) => Tensor4D,
): Tensor4D {
  const forward = (save: Save) => {
    const y = of(x);
    save([y]);
    return y;
  };
  return differentiable([x], forward, (dy, saved) => gradient(dy, only(saved)));
}

/** max(x, 0) */
export const relu = (x: Tensor4D): Tensor4D => pointwise(x, tf.relu, reluGradient);

/** min(max(x, 0), 6) */
export const relu6 = (x: Tensor4D): Tensor4D => pointwise(x, tf.relu6, (dy, y) => only(execute('Relu6Grad', [dy, y])));

/** 1 / (1 + exp(-x)) */
export const sigmoid = (x: Tensor4D): Tensor4D =>
  pointwise(x, tf.sigmoid, (dy, y) => only(execute('SigmoidGrad', [y, dy])));

/** x sigmoid(x); with s = sigmoid(x), its derivative is s + y (1 - s). */
export function silu(x: Tensor4D): Tensor4D {
  const forward = (save: Save) => {
    const s = tf.sigmoid(x);
    const y = x.mul(s) as Tensor4D;
    save([s, y]);
    return y;
  };
  const backward = (dy: Tensor4D, saved: Tensor[]) => {
    const [s, y] = saved as [Tensor4D, Tensor4D];
    return dy.mul(s.add(y.sub(y.mul(s))));
  };
  return differentiable([x], forward, backward);
}
