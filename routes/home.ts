import { createRoute, z } from "@hono/zod-openapi";
import type { Services } from "../lib/services.ts";
import { createConsole, wantsPage } from "./console/mod.tsx";
import { createRouter } from "./shared/app.ts";

const Info = z.object({
  name: z.literal("Imago"),
  version: z.string(),
  docs: z.string(),
  openapi: z.string(),
  health: z.string(),
}).openapi("AppInfo");

const home = createRoute({
  method: "get",
  path: "/",
  tags: ["operations"],
  summary: "What this is: JSON, or a page for browsers",
  responses: {
    200: {
      description: "App info",
      content: { "application/json": { schema: Info }, "text/html": { schema: z.string() } },
    },
  },
});

/** The front door, and the console behind it. */
export function homeRoutes(services: Services) {
  const { version } = services;
  const pages = createConsole(services);
  return createRouter().route("/", pages.router).openapi(home, (c) => {
    if (wantsPage(c)) return pages.home(c);
    return c.json(
      {
        name: "Imago" as const,
        version,
        docs: "/docs",
        openapi: "/openapi.json",
        health: "/health",
      },
      200,
      { Vary: "Accept" },
    );
  });
}
