import { createRoute, z } from "@hono/zod-openapi";
import { Problem } from "../lib/errors.ts";
import type { Services } from "../lib/services.ts";
import { createRouter } from "./shared/app.ts";
import { problems } from "./shared/problems.ts";
import { serveObject } from "./shared/serve_object.ts";

/** As long as the link stays the same; caches that others share must not outlive a withdrawn one. */
const CACHING = "private, max-age=86400";

const photo = createRoute({
  method: "get",
  path: "/media/{name}",
  tags: ["files"],
  summary: "Show a shop photo by its signed link",
  request: {
    params: z.object({ name: z.string().openapi({ example: `${"0".repeat(64)}.jpg` }) }),
  },
  // Not validated: whatever is wrong with it is a link that was not made here.
  parameters: [{
    name: "signature",
    in: "query" as const,
    required: true,
    schema: { type: "string" as const },
  }],
  responses: {
    200: {
      description: "The photo",
      content: { "image/jpeg": { schema: { type: "string", format: "binary" } } },
    },
    206: { description: "A range of it" },
    304: { description: "Not modified" },
    ...problems("forbidden", "not_found", "gone", "range_not_satisfiable"),
  },
});

/** Shop photos for whoever holds their link. */
export function mediaRoutes({ links, media, storage, tenants }: Services) {
  return createRouter().openapi(photo, async (c) => {
    const [, sha256] = /^([0-9a-f]{64})\.jpg$/.exec(c.req.valid("param").name) ?? [];
    const [, signature] = /^\?signature=([\w.-]+)$/.exec(new URL(c.req.url).search) ?? [];
    if (!sha256 || !signature) {
      throw new Problem("forbidden", "Cannot accept this link: it was not made here");
    }
    const tenant = links.ownerOf(sha256, signature);
    if (!(await tenants.isActive(tenant))) throw new Problem("gone", "The link is no longer valid");
    const found = await media.find(tenant, sha256);
    if (!found) throw new Problem("not_found", "Cannot find this file");
    return await serveObject(c, storage, found.key, {
      mime: found.mime,
      filename: `${sha256}.jpg`,
      disposition: "inline",
      cacheControl: CACHING,
      etag: sha256,
      resourcePolicy: "cross-origin",
    });
  });
}
