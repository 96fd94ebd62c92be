/** Optimizers over named tensors. `apply` replaces each parameter by its next value and disposes of the old one. */
import { type Tensor, tf } from '../tensor/tensorflow.js';
import { applyAdam, applyMomentum, subtractScaled, type Variable, variable } from '../tensor/variables.js';

export interface Optimizer {
  /** One step, numbered from 1, at this learning rate. Does not dispose of the gradients. */
  apply(
    parameters: Record<string, Tensor>,
    gradients: Readonly<Record<string, Tensor>>,
    rate: number,
    step: number,
  ): void;
  /** Everything a later attempt needs to go on to the same bits. The caller disposes of the tensors. */
  state(): Record<string, Tensor>;
  dispose(): void;
}

/** Updates a parameter and its slots in place; disposes of the value before, as in place there may be no other reader. */
type Update = (parameter: Variable, value: Tensor, gradient: Tensor, slots: Variable[]) => void;

/** Optimizers differ in the slots they keep of every parameter, and in one formula. */
function optimizer(
  slotNames: readonly string[],
  resume: Readonly<Record<string, Tensor>>,
  updateAt: (rate: number, step: number) => Update,
): Optimizer {
  const slots = new Map(Object.entries(resume).map(([key, value]) => [key, variable(value)]));
  tf.dispose(resume);
  const cells = new Map<string, Variable>();
  /** What `apply` gave out last: a parameter that somebody has changed since is another tensor. */
  const given = new Map<string, Tensor>();

  const cellOf = (name: string, value: Tensor): Variable => {
    const known = cells.get(name);
    if (known && given.get(name) !== value) known.assign(value);
    const cell = known ?? variable(value);
    cells.set(name, cell);
    return cell;
  };
  const slotOf = (key: string, like: Tensor): Variable => {
    const slot = slots.get(key) ?? variable(tf.zerosLike(like));
    slots.set(key, slot);
    return slot;
  };
  return {
    apply(parameters, gradients, rate, step) {
      tf.tidy(() => {
        const update = updateAt(rate, step);
        for (const [name, gradient] of Object.entries(gradients)) {
          const value = parameters[name] as Tensor;
          const own = slotNames.map((slot) => slotOf(`${slot}/${name}`, value));
          const cell = cellOf(name, value);
          update(cell, value, gradient, own);
          const next = tf.keep(cell.read());
          parameters[name] = next;
          given.set(name, next);
        }
      });
    },
    state: () => Object.fromEntries([...slots].map(([key, slot]) => [key, slot.read()])),
    dispose: () => {
      for (const one of [...slots.values(), ...cells.values()]) one.dispose();
    },
  };
}

/** v' = m v + g + d p;  p' = p - rate v'  (PyTorch's SGD). */
export function sgd(
  { momentum, weightDecay }: { momentum: number; weightDecay: number },
  resume: Readonly<Record<string, Tensor>> = {},
): Optimizer {
  return optimizer(['velocity'], resume, (rate) => {
    const scalars = { rate: tf.scalar(rate), momentum: tf.scalar(momentum) };
    // m (v + (d / m) p) + g: the decay goes into the velocity in place, where it would copy the gradient twice.
    const inPlace = weightDecay > 0 && momentum > 0 ? tf.scalar(-weightDecay / momentum) : undefined;
    return (parameter, value, gradient, slots) => {
      const [velocity] = slots as [Variable];
      if (inPlace) subtractScaled(velocity, inPlace, value);
      const decayed = weightDecay > 0 && !inPlace ? gradient.add(value.mul(weightDecay)) : gradient;
      value.dispose();
      applyMomentum(parameter, velocity, decayed, scalars);
    };
  });
}

export interface AdamOptions {
  beta1: number;
  beta2: number;
  /** Decoupled (AdamW), and on matrices and kernels alone: biases and batch norms are not decayed. */
  weightDecay: number;
}

/** Added to the root of the second moment, corrected for its bias, as PyTorch has it. */
const EPSILON = 1e-8;

/** Adam (Kingma and Ba, 2015) with decoupled weight decay (Loshchilov and Hutter, 2019). */
export function adam(
  { beta1, beta2, weightDecay }: AdamOptions,
  resume: Readonly<Record<string, Tensor>> = {},
): Optimizer {
  return optimizer(['first', 'second'], resume, (rate, step) => {
    const [beta1ToT, beta2ToT] = [beta1 ** step, beta2 ** step];
    // TensorFlow adds its epsilon to the root before the correction.
    const epsilon = EPSILON * Math.sqrt(1 - beta2ToT);
    const numbers = { beta1ToT, beta2ToT, rate, beta1, beta2, epsilon };
    const scalars = Object.fromEntries(Object.entries(numbers).map(([key, value]) => [key, tf.scalar(value)]));
    return (parameter, value, gradient, [first, second]) => {
      if (weightDecay > 0 && value.rank > 1) parameter.assign(value.mul(1 - rate * weightDecay));
      value.dispose();
      const updated = [parameter, first as Variable, second as Variable] as const;
      applyAdam(updated, gradient, scalars as Parameters<typeof applyAdam>[2]);
    };
  });
}

/** Half a cosine from `rate` at step 0 to 0 at step `total`. */
export const cosine = (rate: number, step: number, total: number): number =>
  0.5 * rate * (1 + Math.cos((Math.PI * step) / total));

/** The share of a one-cycle schedule that warms up, and what its peak is divided by at the beginning and at the end. */
const WARM_UP = 0.3;
const BEGIN_DIVISOR = 25;
const END_DIVISOR = 1e4;

/**
 * One cycle (Smith and Topin, 2018), with w = 0.3 T of T steps: r/25 + (r - r/25) t/w up to step w, then
 * r/1e4 + (r - r/1e4) (1 + cos(pi (t - w) / (T - w))) / 2.
 */
export function oneCycle(rate: number, step: number, total: number): number {
  const warm = WARM_UP * total;
  if (step < warm) return rate / BEGIN_DIVISOR + (rate - rate / BEGIN_DIVISOR) * (step / warm);
  return rate / END_DIVISOR + cosine(rate - rate / END_DIVISOR, step - warm, total - warm);
}
