/** What goes wrong every few seconds is said now and then. */

const SAY_AGAIN_MS = 60_000;

/** Answers whether the same was not said within the last `againMs`, and takes it for said then. */
export function createRepetition(againMs = SAY_AGAIN_MS): (what: string) => boolean {
  const saidAt = new Map<string, number>();
  return (what) => {
    const now = performance.now();
    for (const [said, at] of saidAt) if (now - at >= againMs) saidAt.delete(said);
    if (saidAt.has(what)) return false;
    saidAt.set(what, now);
    return true;
  };
}
