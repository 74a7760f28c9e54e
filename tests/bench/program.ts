import { type Server, startServer } from "../helpers/server.ts";

/** Keeps a tenant's limits out of a measurement. */
const UNLIMITED = { STANDARD_QUOTA_MB: "1000000", RATE_LIMIT_PER_MINUTE: "100000000" };

const running = new Set<Server>();

/** The real program on an empty folder, with a tenant that has no limits. */
export async function startProgram(dataDir: string, env: Record<string, string> = {}) {
  const server = await startServer({ dataDir, env: { ...UNLIMITED, ...env } });
  running.add(server);
  void server.stopped.then(() => running.delete(server));
  return server;
}

/** Ends every program that still runs: it has a process group of its own, which no Ctrl-C reaches. */
export async function endPrograms(): Promise<void> {
  await Promise.all([...running].map((server) => server[Symbol.asyncDispose]()));
}
