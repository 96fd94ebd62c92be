/** What this machine computes on. */
import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { promisify } from 'node:util';
import type { Device } from './protocol.js';
import { tf } from './tensor/tensorflow.js';

const MIB = 1024n * 1024n;

interface NodeBackend {
  isUsingGpuDevice: boolean;
  binding: { TF_Version: string };
}

/** Loads TensorFlow, so only a compute child may ask. */
export async function describeDevice(): Promise<Device> {
  await tf.ready();
  const { isUsingGpuDevice, binding } = tf.backend() as unknown as NodeBackend;
  const tensorflowVersion = binding.TF_Version;
  if (isUsingGpuDevice) return { ...(await describeGpu()), tensorflowVersion };
  const model = cpus()[0]?.model.trim() || process.arch;
  return { device: `CPU: ${cpus().length} x ${model}`, tensorflowVersion, memoryBytes: null };
}

async function describeGpu(): Promise<Omit<Device, 'tensorflowVersion'>> {
  // Which of several GPUs is ours, CUDA_VISIBLE_DEVICES says, by number or by UUID; without it TensorFlow takes the first.
  const [ours] = (process.env.CUDA_VISIBLE_DEVICES || '0').split(',');
  const query = ['-i', ours as string, '--query-gpu=name,memory.total', '--format=csv,noheader,nounits'];
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', query);
    const [name = 'unknown', mebibytes = ''] = stdout.trim().split(', ');
    return { device: `GPU: ${name}`, memoryBytes: /^\d+$/.test(mebibytes) ? BigInt(mebibytes) * MIB : null };
  } catch {
    return { device: 'GPU', memoryBytes: null };
  }
}
