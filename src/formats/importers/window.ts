/** Runs tasks beside each other, a bounded number at a time; any number of callers may wait for a place. */
export function inParallel(limit: number) {
  let running = 0;
  let failure: { error: unknown } | undefined;
  let waiting: (() => void)[] = [];
  const change = () => new Promise<void>((resolve) => waiting.push(resolve));
  const rethrow = () => {
    if (failure !== undefined) throw failure.error;
  };
  const settle = async () => {
    while (running > 0) await change();
  };
  return {
    /** Waits for a free place, then starts the task. Throws what an earlier task threw. */
    async start(task: () => Promise<void>): Promise<void> {
      while (running >= limit) await change();
      rethrow();
      running += 1;
      task()
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => {
          running -= 1;
          const woken = waiting;
          waiting = [];
          for (const wake of woken) wake();
        });
    },
    /** Waits for all of them, whatever becomes of them. */
    settle,
    /** Waits for all of them. Throws what any of them threw. */
    async finish(): Promise<void> {
      await settle();
      rethrow();
    },
  };
}
