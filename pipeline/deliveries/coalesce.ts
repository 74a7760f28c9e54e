/**
 * Runs `work` when it is called, and once more at the end when it was called meanwhile. What `work`
 * throws is given to `fail`.
 */
export function coalesce(work: () => Promise<void>, fail: (error: unknown) => void) {
  let running: Promise<void> | null = null;
  let again = false;
  const poke = () => {
    if (running) return void (again = true);
    running = work().catch(fail).finally(() => {
      running = null;
      if (!again) return;
      again = false;
      poke();
    });
  };
  return {
    poke,
    /** Resolves when nothing runs. */
    async idle() {
      while (running) await running;
    },
  };
}
