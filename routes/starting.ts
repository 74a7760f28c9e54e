import deno from "../deno.json" with { type: "json" };
import { Problem } from "../lib/errors.ts";
import { createRouter } from "./shared/app.ts";
import { problemResponse } from "./shared/problems.ts";

/** What answers while the database is brought up to date: alive, but not ready. */
export function createStartingApp() {
  const app = createRouter();
  app.onError(problemResponse);
  app.use(async (c, next) => {
    c.set("requestId", crypto.randomUUID());
    await next();
  });
  app.get("/health", (c) => c.json({ status: "healthy", version: deno.version }));
  app.all("*", () => {
    throw new Problem("unavailable", "Imago is starting", { retryAfter: 5 });
  });
  return app;
}
