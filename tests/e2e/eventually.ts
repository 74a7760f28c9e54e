const DEADLINE_MS = 60_000;
const PAUSE_MS = 100;

/** Waits until another process has made something true; fails when it takes longer than anything should. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const until = Date.now() + DEADLINE_MS; Date.now() < until;) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error(`it never came true: ${holds}`);
}
