import { z } from "@hono/zod-openapi";
import { Id, Time } from "./scalars.ts";

const side = z.number().int();

/** A shop photo as it is stored: once per tenant and content. Sides in pixels. */
export const Media = z.object({
  id: Id,
  tenant: Id,
  /** Of the bytes as they are stored. */
  sha256: z.string(),
  /** Storage key of the bytes. */
  key: z.string(),
  mime: z.literal("image/jpeg"),
  width: side,
  height: side,
  size_bytes: z.number().int(),
  /** Drafts that show it, each counted once; the last one takes it along. */
  references: z.number().int().min(1),
  created_at: Time,
});
export type Media = z.infer<typeof Media>;

/** What a draft knows of its photos: nothing of it ever changes. */
export const DraftPhoto = Media.pick({
  id: true,
  sha256: true,
  mime: true,
  width: true,
  height: true,
});
export type DraftPhoto = z.infer<typeof DraftPhoto>;

export const DraftStatus = z.enum(["draft", "published"]).openapi("DraftStatus");
export type DraftStatus = z.infer<typeof DraftStatus>;

const title = z.string().trim().max(160);
const description = z.string().trim().max(4_000);
const price = z.number().min(0).max(1_000_000).nullable();

/** A listing as it is stored, its photos in their order. */
export const DraftRow = z.object({
  id: Id,
  tenant: Id,
  /** Grows by one with each change. */
  version: z.number().int(),
  title,
  description,
  price_suggested: price,
  status: DraftStatus,
  photos: z.array(DraftPhoto),
  created_at: Time,
  updated_at: Time,
});
export type DraftRow = z.infer<typeof DraftRow>;

/** A listing as its tenant sees it. */
export const Draft = DraftRow.pick({
  id: true,
  title: true,
  description: true,
  status: true,
  price_suggested: true,
}).extend({
  photos: z.array(z.object({
    media: DraftPhoto.omit({ sha256: true }).extend({
      url: z.string().openapi({ description: "Signed, good for at least 7 days" }),
    }),
    order_index: z.number().int().min(0),
  })),
}).openapi("Draft");
export type Draft = z.infer<typeof Draft>;

/** What both ways to a new draft take beside the photos. */
export const NewDraft = z.object({ title: title.default("") });

/** What PATCH /api/v1/listings/{id} takes. */
export const DraftPatch = z.strictObject({
  title,
  description,
  price_suggested: price,
  photos: z.array(Id).max(100).openapi({
    description: "Ids of the draft's media in their new order; what is left out is removed",
  }),
}).partial().openapi("DraftPatch");
export type DraftPatch = z.infer<typeof DraftPatch>;
