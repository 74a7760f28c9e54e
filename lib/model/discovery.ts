import { z } from "@hono/zod-openapi";

/** A camera that answered on the local network. */
export const DiscoveredCamera = z.object({
  name: z.string().openapi({ description: "Its own, or its model; may be empty" }),
  hardware: z.string(),
  location: z.string(),
  addresses: z.array(z.string()).openapi({
    description: "Where it answered from, as IP addresses",
  }),
  xaddrs: z.array(z.string()).openapi({ description: "Its ONVIF services" }),
  known: z.boolean().openapi({ description: "The tenant has a camera at that address" }),
  allowed: z.boolean().openapi({
    description: "It may be added; else its network must be named in FETCH_ALLOWED_NETS",
  }),
}).openapi("DiscoveredCamera");
export type DiscoveredCamera = z.infer<typeof DiscoveredCamera>;

/** What POST /api/cameras/discover takes. */
export const DiscoveryRequest = z.strictObject({
  timeout_s: z.number().min(0.5).max(10).default(3).openapi({
    description: "How long answers are waited for",
  }),
}).openapi("DiscoveryRequest");
