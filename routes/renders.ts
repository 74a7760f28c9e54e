import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { Problem } from "../lib/errors.ts";
import type { ImageRow } from "../lib/model/image.ts";
import { Id } from "../lib/model/scalars.ts";
import { Fit, MAX_SIDE, OutputFormat, Preset, type Transform } from "../lib/model/transform.ts";
import type { Services } from "../lib/services.ts";
import { normalize } from "../lib/transforms.ts";
import { createRouter, type Env } from "./shared/app.ts";
import { Link, LinkQuery } from "./shared/link.ts";
import { problems } from "./shared/problems.ts";
import { secured } from "./shared/secured.ts";
import { IMMUTABLE, serveObject, type ServeOptions } from "./shared/serve_object.ts";

/** The link may be withdrawn with its tenant, so caches ask again after a while. */
const SIGNED_CACHING = "private, max-age=3600";

const params = z.object({ id: Id });
const side = z.coerce.number().int().min(1).max(MAX_SIDE).optional();

const RenderQuery = z.object({
  w: side.openapi({ description: "Width of the box, in pixels" }),
  h: side.openapi({ description: "Height of the box, in pixels" }),
  fit: Fit.optional().openapi({
    description: "inside (standard): the whole picture, never enlarged; cover: exactly w × h, " +
      "cut at the edges",
  }),
  format: OutputFormat.optional().openapi({ description: "Left out, the Accept header decides" }),
  q: z.coerce.number().int().min(1).max(100).optional().openapi({ description: "Quality" }),
  preset: Preset.optional().openapi({
    description: "A box of 160, 640 or 2048 pixels; w and h go before it",
  }),
});

const picture = {
  200: {
    description: "The picture",
    content: Object.fromEntries(
      OutputFormat.options.map((format) => [
        `image/${format}`,
        { schema: { type: "string" as const, format: "binary" } },
      ]),
    ),
  },
  206: { description: "A range of it" },
  304: { description: "Not modified" },
};

const render = createRoute({
  method: "get",
  path: "/images/{id}/render",
  tags: ["images"],
  summary: "Get the picture in another size or format",
  description: "Made when it is first asked for, and kept: at most 50 variants an image.",
  ...secured("images:read"),
  request: { params, query: RenderQuery },
  responses: {
    ...picture,
    ...problems(
      "forbidden",
      "not_found",
      "conflict",
      "unsupported_type",
      "range_not_satisfiable",
      "invalid_content",
      "unavailable",
      "storage_full",
    ),
  },
});

const renderUrl = createRoute({
  method: "get",
  path: "/images/{id}/render-url",
  tags: ["images"],
  summary: "Get a signed link to the picture in another size or format",
  ...secured("images:read"),
  request: { params, query: RenderQuery.extend(LinkQuery.shape) },
  responses: {
    200: { description: "The link", content: { "application/json": { schema: Link } } },
    ...problems("forbidden", "not_found", "invalid_content"),
  },
});

const signed = createRoute({
  method: "get",
  path: "/files/signed/render/{token}",
  tags: ["files"],
  summary: "Get a rendered picture by a signed link",
  request: { params: z.object({ token: z.string() }) },
  responses: {
    ...picture,
    ...problems(
      "forbidden",
      "not_found",
      "conflict",
      "gone",
      "unsupported_type",
      "range_not_satisfiable",
      "invalid_content",
      "unavailable",
      "storage_full",
    ),
  },
});

/** Pictures in sizes and formats that callers choose. */
export function renderRoutes(services: Services) {
  const { config, images, tenants, transforms, signedRenders, links, storage } = services;

  const refuseIfOff = () => {
    if (config.RENDER_ENABLED) return;
    throw new Problem("forbidden", "Cannot render: RENDER_ENABLED is false on this server");
  };

  const serve = async (
    c: Context<Env>,
    row: ImageRow,
    transform: Transform,
    options: Pick<ServeOptions, "cacheControl" | "resourcePolicy">,
  ) => {
    const { key, format } = await transforms.get(row, transform, c.req.header("Accept"));
    const response = await serveObject(c, storage, key, {
      mime: `image/${format}`,
      filename: row.original_name.replace(/(\.\w{1,10})?$/, `.${key.split(".").at(-1)}`),
      disposition: "inline",
      etag: key.split("/").at(-1),
      ...options,
    });
    if (!transform.format) response.headers.append("Vary", "Accept");
    return response;
  };

  return createRouter()
    .openapi(render, async (c) => {
      refuseIfOff();
      const row = await images.get(c.var.tenant, c.req.valid("param").id);
      const transform = transformOf(c.req.valid("query"));
      return await serve(c, row, transform, { cacheControl: IMMUTABLE });
    })
    .openapi(renderUrl, async (c) => {
      refuseIfOff();
      const { tenant, id } = await images.get(c.var.tenant, c.req.valid("param").id);
      const { expires_in, ...query } = c.req.valid("query");
      const { origin } = new URL(c.req.url);
      return c.json(links.render(origin, tenant, id, transformOf(query), expires_in), 200);
    })
    .openapi(signed, async (c) => {
      refuseIfOff();
      const { tenant, image, transform } = signedRenders.verify(c.req.valid("param").token);
      if (!(await tenants.isActive(tenant))) {
        throw new Problem("gone", "The link is no longer valid");
      }
      const row = await images.get(tenant, image);
      return await serve(c, row, transform, {
        cacheControl: SIGNED_CACHING,
        resourcePolicy: "cross-origin",
      });
    });
}

function transformOf({ w, h, q, ...rest }: z.infer<typeof RenderQuery>): Transform {
  return normalize({ ...rest, width: w, height: h, quality: q });
}
