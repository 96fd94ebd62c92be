/** Runs tasks beside each other, a bounded number at a time. */
export function inParallel(limit: number) {
  let running = 0;
  let failure: { error: unknown } | undefined;
  let wake: (() => void) | undefined;
  const settled = async (atMost: number) => {
    while (running > atMost) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (failure !== undefined) throw failure.error;
  };
  return {
    /** Waits for a free place, then starts the task. Throws what an earlier task threw. */
    async start(task: () => Promise<void>): Promise<void> {
      await settled(limit - 1);
      running += 1;
      task()
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => {
          running -= 1;
          wake?.();
        });
    },
    /** Waits for all of them. Throws what any of them threw. */
    finish: (): Promise<void> => settled(0),
  };
}
