import assert from "node:assert/strict";
import { png } from "../helpers/pictures.ts";
import { startServer } from "../helpers/server.ts";

type SpanJson = {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  attributes: { key: string; value: { stringValue?: string } }[];
};

type Export = { resourceSpans: { scopeSpans: { spans: SpanJson[] }[] }[] };

/** Takes what an OTLP exporter sends as JSON. */
function startCollector() {
  const spans: SpanJson[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      if (new URL(request.url).pathname === "/v1/traces") {
        const { resourceSpans }: Export = await request.json();
        spans.push(
          ...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((s) => s.spans)),
        );
      } else await request.body?.cancel();
      return Response.json({});
    },
  );
  return {
    spans,
    endpoint: `http://127.0.0.1:${server.addr.port}`,
    close: () => server.shutdown(),
  };
}

Deno.test("an upload, its claim, its steps and its commits are one trace", async () => {
  const collector = startCollector();
  const dataDir = await Deno.makeTempDir();
  try {
    const env = {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_BSP_SCHEDULE_DELAY: "50",
    };
    await using server = await startServer({ dataDir, env });
    const { id } = await (await server.upload(png())).json();
    await server.settle();
    await (await server.request(`/images/${id}`)).text();
    await server.kill("SIGTERM");

    const { spans } = collector;
    const upload = spans.find(({ name }) => name === "POST /images/upload");
    assert.ok(upload, spans.map(({ name }) => name).join());
    const trace = spans.filter(({ traceId }) => traceId === upload.traceId);
    const names = trace.map(({ name }) => name);
    for (const name of ["claim", "job", "step renditions", "step exif", "commit"]) {
      assert.ok(names.includes(name), `${name} in ${names}`);
    }
    const job = trace.find(({ name }) => name === "job")!;
    assert.equal(job.parentSpanId, upload.spanId);
    const step = trace.find(({ name }) => name === "step exif")!;
    assert.equal(step.parentSpanId, job.spanId);
    const details = spans.find(({ name }) => name === "GET /images/:id");
    const route = details?.attributes.find(({ key }) => key === "http.route");
    assert.equal(route?.value.stringValue, "/images/:id");
    assert.notEqual(details?.traceId, upload.traceId);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
    await collector.close();
  }
});
