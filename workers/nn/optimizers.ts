/** Optimizers over named tensors. `apply` replaces each parameter by its next value and disposes of the old one. */
import { type Tensor, tf } from '../tensor/tensorflow.js';

export interface Optimizer {
  /** One step, numbered from 1, at this learning rate. Does not dispose of the gradients. */
  apply(
    parameters: Record<string, Tensor>,
    gradients: Readonly<Record<string, Tensor>>,
    rate: number,
    step: number,
  ): void;
  /** Everything a later attempt needs to go on to the same bits; the tensors stay the optimizer's own. */
  state(): Record<string, Tensor>;
  dispose(): void;
}

type Update = (parameter: Tensor, gradient: Tensor, slots: Tensor[]) => Tensor[];

/** Optimizers differ in the slots they keep of every parameter, and in one formula: [parameter, ...slots] of the next step. */
function optimizer(
  slotNames: readonly string[],
  resume: Readonly<Record<string, Tensor>>,
  updateAt: (rate: number, step: number) => Update,
): Optimizer {
  const slots: Record<string, Tensor> = { ...resume };
  return {
    apply(parameters, gradients, rate, step) {
      const update = updateAt(rate, step);
      for (const [name, gradient] of Object.entries(gradients)) {
        const parameter = parameters[name] as Tensor;
        const keys = slotNames.map((slot) => `${slot}/${name}`);
        for (const key of keys) slots[key] ??= tf.zerosLike(parameter);
        const old = keys.map((key) => slots[key] as Tensor);
        const [next, ...nextSlots] = tf.tidy(() => update(parameter, gradient, old)) as [Tensor, ...Tensor[]];
        tf.dispose([parameter, ...old]);
        parameters[name] = next;
        keys.forEach((key, i) => {
          slots[key] = nextSlots[i] as Tensor;
        });
      }
    },
    state: () => slots,
    dispose: () => tf.dispose(slots),
  };
}

/** v' = m v + g + d p;  p' = p - rate v'  (PyTorch's SGD). */
export function sgd(
  { momentum, weightDecay }: { momentum: number; weightDecay: number },
  resume: Readonly<Record<string, Tensor>> = {},
): Optimizer {
  return optimizer(['velocity'], resume, (rate) => (parameter, gradient, [velocity]) => {
    const next = (velocity as Tensor).mul(momentum).add(gradient).add(parameter.mul(weightDecay));
    return [parameter.sub(next.mul(rate)), next];
  });
}

export interface AdamOptions {
  beta1: number;
  beta2: number;
  /** Decoupled (AdamW), and on matrices and kernels alone: biases and batch norms are not decayed. */
  weightDecay: number;
}

/** Adam (Kingma and Ba, 2015) with decoupled weight decay (Loshchilov and Hutter, 2019). */
export function adam(
  { beta1, beta2, weightDecay }: AdamOptions,
  resume: Readonly<Record<string, Tensor>> = {},
): Optimizer {
  return optimizer(['first', 'second'], resume, (rate, step) => {
    const size = rate / (1 - beta1 ** step);
    const root = 1 / Math.sqrt(1 - beta2 ** step);
    return (parameter, gradient, [m, v]) => {
      const first = (m as Tensor).mul(beta1).add(gradient.mul(1 - beta1));
      const second = (v as Tensor).mul(beta2).add(gradient.square().mul(1 - beta2));
      const step = first.mul(size).div(second.sqrt().mul(root).add(1e-8));
      const decayed = weightDecay > 0 && parameter.rank > 1 ? parameter.mul(1 - rate * weightDecay) : parameter;
      return [decayed.sub(step), first, second];
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
