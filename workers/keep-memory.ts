/**
 * Environment of a process that computes. Large activations come from the heap and stay there: glibc would map and unmap each
 * of them, and the page faults take several times as long as the kernels. A child lives for one attempt, so nothing is kept for
 * long. Read by the C library when a process starts, so it has to be there before.
 */
export const KEEP_MEMORY = {
  MALLOC_MMAP_MAX_: '0',
  MALLOC_TRIM_THRESHOLD_: String(2 ** 33),
  MALLOC_TOP_PAD_: String(2 ** 26),
};
