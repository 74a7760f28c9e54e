import type { OpenAPIHono } from "@hono/zod-openapi";
import { cors } from "hono/cors";
import { secureHeaders } from "hono/secure-headers";
import { getLogger } from "@logtape/logtape";
import { routePath } from "hono/route";
import { Problem } from "../lib/errors.ts";
import { withLogContext } from "../lib/logging.ts";
import { neighbourhood } from "../lib/net/client_address.ts";
import type { Services } from "../lib/services.ts";
import { nameRequest } from "../lib/tracing.ts";
import { aiRoutes } from "./ai.ts";
import { auditRoutes } from "./audit.ts";
import { cameraRoutes } from "./cameras.ts";
import { clientRoutes } from "./clients.ts";
import { configurationRoutes } from "./configuration.ts";
import { docsRoutes } from "./docs.ts";
import { eventRoutes } from "./events.ts";
import { fileRoutes } from "./files.ts";
import { healthRoutes } from "./health.ts";
import { homeRoutes } from "./home.ts";
import { imageRoutes } from "./images.ts";
import { ingestRoutes } from "./ingest.ts";
import { jobRoutes } from "./jobs.ts";
import { keyRoutes } from "./keys.ts";
import { listingRoutes } from "./listings.ts";
import { liveRoutes } from "./live.ts";
import { mediaRoutes } from "./media.ts";
import { metricsRoutes } from "./metrics.ts";
import { privacyRoutes } from "./privacy.ts";
import { modelRoutes } from "./models.ts";
import { predictionRoutes } from "./predictions.ts";
import { recordRoutes } from "./records.ts";
import { renderRoutes } from "./renders.ts";
import { sessionRoutes } from "./sessions.ts";
import { limitBody } from "./shared/body_limit.ts";
import { createRouter, type Env, provide } from "./shared/app.ts";
import { problemResponse } from "./shared/problems.ts";
import { addressOf, tellLimits } from "./shared/rate_limit.ts";
import { giveUpgrade } from "./shared/websocket.ts";
import { socketRoutes } from "./socket.ts";
import { statsRoutes } from "./stats.ts";
import { userRoutes } from "./users.ts";
import { webhookRoutes } from "./webhooks.ts";

const log = getLogger(["imago", "http"]);

/** JSON is small here; pictures come as multipart. */
const MAX_BODY_BYTES = 1_048_576;

/** The whole HTTP side of Imago. */
export function createApp(services: Services) {
  const { config, metrics, pseudonym, traffic, version } = services;
  const app = createRouter();

  app.onError(problemResponse);
  app.notFound((c) => problemResponse(unmatched(app, c.req.method, c.req.path), c));

  app.use(giveUpgrade);
  app.use(provide(services));
  app.use((c, next) => {
    const request_id = crypto.randomUUID();
    c.set("requestId", request_id);
    const context = {
      request_id,
      /** Known once the caller is. */
      get tenant() {
        const { principal } = c.var;
        return principal?.kind === "tenant" ? principal.tenant : null;
      },
    };
    return withLogContext(context, next);
  });
  app.use(async (c, next) => {
    const began = performance.now();
    // Once a WebSocket has begun, the request tells nothing any more.
    const client = pseudonym("address", neighbourhood(addressOf(c)));
    await next();
    c.header("X-Request-Id", c.var.requestId);
    const { method } = c.req;
    const status = c.var.upgrade?.status ?? c.res.status;
    const route = routePath(c, -1);
    const seconds = (performance.now() - began) / 1000;
    metrics.requests.observe({ method, route, status }, seconds);
    nameRequest(method, route);
    log.info("request", {
      method,
      route,
      status,
      duration_ms: Math.round(seconds * 1000),
      client,
    });
  });
  app.use((_, next) => traffic.carry(next));
  app.use(secureHeaders({ crossOriginResourcePolicy: false }));
  if (config.CORS_ORIGINS.length) {
    const any = config.CORS_ORIGINS.includes("*");
    app.use(
      cors({
        origin: any ? "*" : config.CORS_ORIGINS,
        exposeHeaders: ["Link", "Location", "ETag", "RateLimit", "RateLimit-Policy", "Retry-After"],
      }),
    );
  }
  app.use(tellLimits);
  app.use(limitBody(MAX_BODY_BYTES));

  app.route("/", homeRoutes(services));
  app.route("/", imageRoutes(services));
  app.route("/", ingestRoutes(services));
  app.route("/", listingRoutes(services));
  app.route("/", mediaRoutes(services));
  app.route("/", renderRoutes(services));
  app.route("/", recordRoutes(services));
  app.route("/", statsRoutes(services));
  app.route("/", cameraRoutes(services));
  app.route("/", eventRoutes(services));
  app.route("/", predictionRoutes(services));
  app.route("/", modelRoutes(services));
  app.route("/", aiRoutes(services));
  app.route("/", clientRoutes(services));
  app.route("/", configurationRoutes(services));
  app.route("/", keyRoutes(services));
  app.route("/", sessionRoutes(services));
  app.route("/", userRoutes(services));
  app.route("/", auditRoutes(services));
  app.route("/", webhookRoutes(services));
  app.route("/", privacyRoutes(services));
  app.route("/", fileRoutes(services));
  app.route("/", jobRoutes(services));
  app.route("/", liveRoutes(services));
  app.route("/", socketRoutes(services));
  app.route("/", healthRoutes(services));
  app.route("/", metricsRoutes(services));
  app.route("/", docsRoutes(app, version));
  return app;
}

/** Why nothing answers: there is no such path, or it is not answered to that method. */
function unmatched(app: OpenAPIHono<Env>, method: string, path: string): Problem {
  const allowed = app.routes
    .filter((route) => route.method !== "ALL" && patternOf(route.path).test(path))
    .map((route) => route.method);
  if (allowed.length === 0) return new Problem("not_found", `There is no ${path}`);
  const headers = { Allow: [...new Set(allowed)].join(", ") };
  return new Problem("method_not_allowed", `${method} is not allowed here`, { headers });
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replace(/:\w+/g, "[^/]+")}$`);
}
