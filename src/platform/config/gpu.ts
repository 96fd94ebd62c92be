/** `device` is what TensorFlow computes on. Undefined unless a GPU was asked for and none is used: TensorFlow takes the CPU then, without a word. */
export function missingGpu(env: NodeJS.ProcessEnv, device: string): string | undefined {
  if (env.TEDDYHUB_TENSORFLOW !== 'gpu' || device.startsWith('GPU')) return undefined;
  return 'no GPU is seen: check nvidia-smi (the driver, and in a container --gpus) and CUDA_VISIBLE_DEVICES, or set TEDDYHUB_TENSORFLOW=cpu';
}
