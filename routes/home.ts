import { createRoute, z } from "@hono/zod-openapi";
import { accepts } from "hono/accepts";
import type { Services } from "../lib/services.ts";
import { createRouter } from "./shared/app.ts";

const STATIC = new URL("./console/static/", import.meta.url);
const TYPES = {
  "home.html": "text/html; charset=utf-8",
  "home.js": "text/javascript; charset=utf-8",
  "home.css": "text/css; charset=utf-8",
} as const;
type StaticFile = keyof typeof TYPES;

/** Nothing inline, nothing from elsewhere. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

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

/** The front door. */
export function homeRoutes({ version }: Services) {
  const router = createRouter();
  const file = async (name: StaticFile) =>
    new Response(await Deno.readFile(new URL(name, STATIC)), {
      headers: {
        "Content-Type": TYPES[name],
        "Content-Security-Policy": POLICY,
        "Cache-Control": "no-cache",
        "X-Content-Type-Options": "nosniff",
        Vary: "Accept",
      },
    });
  for (const name of ["home.js", "home.css"] as const) {
    router.get(`/static/${name}`, () => file(name));
  }
  return router.openapi(home, async (c) => {
    const supports = ["application/json", "text/html"];
    if (accepts(c, { header: "Accept", supports, default: "application/json" }) === "text/html") {
      return await file("home.html");
    }
    return c.json({
      name: "Imago" as const,
      version,
      docs: "/docs",
      openapi: "/openapi.json",
      health: "/health",
    }, 200);
  });
}
