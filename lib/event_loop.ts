const EVERY_MS = 500;

/** Tells by how many seconds the event loop was late, twice a second. Returns how to end it. */
export function watchEventLoop(tell: (seconds: number) => void): () => void {
  let expected = performance.now() + EVERY_MS;
  const timer = setInterval(() => {
    const now = performance.now();
    tell(Math.max(0, now - expected) / 1000);
    expected = now + EVERY_MS;
  }, EVERY_MS);
  return () => clearInterval(timer);
}
