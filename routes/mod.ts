import { cors } from "hono/cors";
import { secureHeaders } from "hono/secure-headers";
import { getLogger } from "@logtape/logtape";
import { routePath } from "hono/route";
import { Problem } from "../lib/errors.ts";
import type { Services } from "../lib/services.ts";
import { clientRoutes } from "./clients.ts";
import { docsRoutes } from "./docs.ts";
import { fileRoutes } from "./files.ts";
import { healthRoutes } from "./health.ts";
import { homeRoutes } from "./home.ts";
import { imageRoutes } from "./images.ts";
import { jobRoutes } from "./jobs.ts";
import { liveRoutes } from "./live.ts";
import { metricsRoutes } from "./metrics.ts";
import { createRouter } from "./shared/app.ts";
import { problemResponse } from "./shared/problems.ts";
import { authenticate } from "./shared/secured.ts";

const log = getLogger(["imago", "http"]);

/** The whole HTTP side of Imago. */
export function createApp(services: Services) {
  const { config, keys, metrics, version } = services;
  const app = createRouter();

  app.onError(problemResponse);
  app.notFound((c) => problemResponse(new Problem("not_found", `There is no ${c.req.path}`), c));

  app.use(async (c, next) => {
    const began = performance.now();
    const requestId = crypto.randomUUID();
    c.set("requestId", requestId);
    await next();
    c.header("X-Request-Id", requestId);
    const { method } = c.req;
    const { status } = c.res;
    const route = routePath(c, -1);
    const seconds = (performance.now() - began) / 1000;
    metrics.requests.observe({ method, route, status }, seconds);
    log.info("request", {
      method,
      route,
      status,
      duration_ms: Math.round(seconds * 1000),
      request_id: requestId,
      tenant: c.var.principal?.kind === "tenant" ? c.var.principal.tenant : null,
    });
  });
  app.use(secureHeaders({ crossOriginResourcePolicy: false }));
  if (config.CORS_ORIGINS.length) {
    const any = config.CORS_ORIGINS.includes("*");
    app.use(
      cors({
        origin: any ? "*" : config.CORS_ORIGINS,
        exposeHeaders: ["Link", "Location", "ETag"],
      }),
    );
  }
  app.use(authenticate(keys));

  app.route("/", homeRoutes(services));
  app.route("/", imageRoutes(services));
  app.route("/", clientRoutes(services));
  app.route("/", fileRoutes(services));
  app.route("/", jobRoutes(services));
  app.route("/", liveRoutes(services));
  app.route("/", healthRoutes(services));
  app.route("/", metricsRoutes(services));
  app.route("/", docsRoutes(app, version));
  return app;
}
