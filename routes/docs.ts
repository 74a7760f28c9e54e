import type { OpenAPIHono } from "@hono/zod-openapi";
import swaggerFolder from "swagger-ui-dist/absolute-path.js";
import type { Env } from "./shared/app.ts";
import { createRouter } from "./shared/app.ts";
import { complete } from "./shared/openapi.ts";

const SWAGGER_FILES = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
} as const;

const PAGE = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Imago API</title>
  <link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
  <div id="swagger-ui"></div>
  <script src="/docs/swagger-ui-bundle.js"></script>
  <script src="/docs/start.js"></script>
</body>
</html>
`;
const START =
  `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true });\n`;

/** The OpenAPI document, and Swagger UI from local files. */
export function docsRoutes(app: OpenAPIHono<Env>, version: string) {
  const router = createRouter();
  app.openAPIRegistry.registerComponent("securitySchemes", "apiKey", {
    type: "apiKey",
    in: "header",
    name: "X-API-Key",
    description: "A client's key",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    description: "A client's key, or the access token (JWT) that a user gets by signing in",
  });

  let document: string | null = null;
  const openapi = () =>
    document ??= JSON.stringify(complete(app.getOpenAPI31Document({
      openapi: "3.1.0",
      info: {
        title: "Imago",
        version,
        description: "A picture in, everything known about it out.",
        license: { name: "MIT" },
      },
      servers: [{ url: "/" }],
    })));
  for (const path of ["/openapi.json", "/api/openapi.json"]) {
    router.get(path, (c) => c.body(openapi(), 200, { "Content-Type": "application/json" }));
  }

  router.get("/docs", (c) => c.html(PAGE));
  router.get("/docs/start.js", (c) => c.body(START, 200, { "Content-Type": "text/javascript" }));
  for (const [file, type] of Object.entries(SWAGGER_FILES)) {
    router.get(`/docs/${file}`, async (c) => {
      const bytes = await Deno.readFile(`${swaggerFolder()}/${file}`);
      return c.body(bytes, 200, { "Content-Type": type, "Cache-Control": "max-age=86400" });
    });
  }
  for (const path of ["/api/docs", "/api/redoc"]) router.get(path, (c) => c.redirect("/docs"));
  return router;
}
