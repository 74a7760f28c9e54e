import { createRoute, z } from "@hono/zod-openapi";
import { Problem } from "../lib/errors.ts";
import type { Services } from "../lib/services.ts";
import { createRouter } from "./shared/app.ts";
import { problems } from "./shared/problems.ts";
import { serveObject } from "./shared/serve_object.ts";

/** The link may be withdrawn with its tenant, so caches ask again after a while; the bytes never change. */
const CACHING = "private, max-age=3600";

const signed = createRoute({
  method: "get",
  path: "/files/signed/{token}",
  tags: ["files"],
  summary: "Read bytes by a signed link",
  request: { params: z.object({ token: z.string() }) },
  responses: {
    200: {
      description: "The bytes",
      content: { "image/*": { schema: { type: "string", format: "binary" } } },
    },
    206: { description: "A range of them" },
    304: { description: "Not modified" },
    ...problems("forbidden", "not_found", "gone", "range_not_satisfiable"),
  },
});

/** Bytes for whoever holds a signed link. */
export function fileRoutes({ signedUrls, storage, tenants }: Services) {
  return createRouter().openapi(signed, async (c) => {
    const { tenant, key, filename, mime, disposition } = signedUrls.verify(
      c.req.valid("param").token,
    );
    if (!(await tenants.isActive(tenant))) throw new Problem("gone", "The link is no longer valid");
    return await serveObject(c, storage, key, {
      mime,
      filename,
      disposition,
      cacheControl: CACHING,
      resourcePolicy: "cross-origin",
    });
  });
}
