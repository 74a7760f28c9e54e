import {
  type Attributes,
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  trace,
  TraceFlags,
} from "@opentelemetry/api";

/*
 * Deno exports spans by itself where OTEL_DENO is true, and registers itself with OpenTelemetry's
 * API; elsewhere everything here does nothing.
 */
const tracer = trace.getTracer("imago");

type Options = {
  attributes?: Attributes;
  /** The span that it belongs to, in another process perhaps; else the current one. */
  parent?: string;
  /** When it began, in ms since 1970; else now. */
  startTime?: number;
};

/** Runs `work` within a span of this name, which tells of its failure. */
export function traced<T>(
  name: string,
  { attributes, parent, startTime }: Options,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const around = parent ? remote(parent) : context.active();
  return tracer.startActiveSpan(name, { attributes, startTime }, around, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: nameOf(error) });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** The current span as W3C Trace Context writes it; undefined where nobody traces. */
export function traceparent(): string | undefined {
  const current = trace.getActiveSpan()?.spanContext();
  if (!current || !isSpanContextValid(current)) return undefined;
  const flags = current.traceFlags.toString(16).padStart(2, "0");
  return `00-${current.traceId}-${current.spanId}-${flags}`;
}

/** Names the request's span by its route pattern, as OpenTelemetry's HTTP conventions have it. */
export function nameRequest(method: string, route: string): void {
  const span = trace.getActiveSpan();
  span?.setAttribute("http.route", route);
  span?.updateName(`${method} ${route}`);
}

function remote(parent: string) {
  const [, traceId, spanId, flags] = parent.split("-");
  const traceFlags = parseInt(flags ?? "", 16) & TraceFlags.SAMPLED;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: traceId ?? "",
    spanId: spanId ?? "",
    traceFlags,
    isRemote: true,
  });
}

/** Not the message: it may hold what no collector should see. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
