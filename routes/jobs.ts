import { createRoute, z } from "@hono/zod-openapi";
import { Problem } from "../lib/errors.ts";
import { DeadLetter, Job, JobState } from "../lib/model/job.ts";
import { Id } from "../lib/model/scalars.ts";
import type { Services } from "../lib/services.ts";
import { createRouter } from "./shared/app.ts";
import { json, paged } from "./shared/json.ts";
import { page, Paging } from "./shared/paging.ts";
import { problems } from "./shared/problems.ts";
import { secured } from "./shared/secured.ts";

/** One call replays so many dead letters at most. */
const REPLAY_MAX = 1_000;

const JobView = Job.omit({ tenant: true, fresh: true, fence: true }).openapi("Job");
const LetterView = DeadLetter.omit({ tenant: true });
const params = z.object({ id: Id });
const admin = { tags: ["jobs"], ...secured("admin") };

const list = createRoute({
  method: "get",
  path: "/jobs",
  summary: "List jobs, newest first",
  ...admin,
  request: { query: Paging.extend({ state: JobState.optional() }) },
  responses: {
    200: json("A page of jobs", paged(JobView)),
    ...problems("invalid_request", "invalid_content"),
  },
});

const details = createRoute({
  method: "get",
  path: "/jobs/{id}",
  summary: "Read one job with its attempts and errors",
  ...admin,
  request: { params },
  responses: {
    200: json("The job", JobView),
    ...problems("not_found", "invalid_content"),
  },
});

const letters = createRoute({
  method: "get",
  path: "/dead-letters",
  summary: "List steps that used up their tries, newest first",
  ...admin,
  request: { query: Paging },
  responses: {
    200: json("A page of dead letters", paged(LetterView)),
    ...problems("invalid_request", "invalid_content"),
  },
});

const replay = createRoute({
  method: "post",
  path: "/dead-letters/{id}/replay",
  summary: "Run a dead letter's step again",
  ...admin,
  request: { params },
  responses: {
    202: json("Queued", z.object({ image_id: Id, step: z.string() })),
    ...problems("not_found", "conflict", "invalid_content"),
  },
});

const replayAll = createRoute({
  method: "post",
  path: "/dead-letters/replay",
  summary: `Run all dead letters' steps again, up to ${REPLAY_MAX} a call`,
  ...admin,
  responses: {
    202: json(
      "Queued; what is being processed already was left alone",
      z.object({ replayed: z.number().int(), left: z.number().int() }),
    ),
  },
});

const discard = createRoute({
  method: "delete",
  path: "/dead-letters/{id}",
  summary: "Forget a dead letter; its image stays as it is",
  ...admin,
  request: { params },
  responses: {
    204: { description: "Gone" },
    ...problems("not_found", "invalid_content"),
  },
});

/** The pipeline's work, for those who look after it. */
export function jobRoutes({ ai, cursors, db, images, jobs, tenants }: Services) {
  return createRouter()
    .openapi(list, async (c) => {
      const state = c.req.valid("query").state ?? null;
      const found = await page(
        c,
        cursors,
        `jobs:${state}`,
        (limit, before) => jobs.list(c.var.tenant, state, limit, before),
      );
      return c.json(z.object(paged(JobView).shape).parse(found), 200);
    })
    .openapi(
      details,
      async (c) =>
        c.json(JobView.parse(await jobs.get(c.var.tenant, c.req.valid("param").id)), 200),
    )
    .openapi(letters, async (c) => {
      const found = await page(
        c,
        cursors,
        "dead-letters",
        (limit, before) => jobs.letters(c.var.tenant, limit, before),
      );
      return c.json(paged(LetterView).parse(found), 200);
    })
    .openapi(replayAll, async (c) => {
      ai?.breaker.probeNow();
      const tenant = await tenants.get(c.var.tenant);
      const found = await jobs.letters(tenant.id, REPLAY_MAX);
      let replayed = 0;
      for (const [image, same] of Map.groupBy(found, ({ image_id }) => image_id)) {
        try {
          await images.reprocess(tenant, image, same.map(({ step }) => step));
          replayed += same.length;
        } catch (error) {
          const busy = error instanceof Problem && error.code === "conflict";
          if (!busy) throw error;
        }
      }
      return c.json({ replayed, left: found.length - replayed }, 202);
    })
    .openapi(replay, async (c) => {
      const tenant = await tenants.get(c.var.tenant);
      const { image_id, step } = await jobs.letter(tenant.id, c.req.valid("param").id);
      ai?.breaker.probeNow();
      await images.reprocess(tenant, image_id, [step]);
      return c.json({ image_id, step }, 202);
    })
    .openapi(discard, async (c) => {
      const { image_id, step } = await jobs.letter(c.var.tenant, c.req.valid("param").id);
      await db.transact((tx) => jobs.unbury(tx, c.var.tenant, image_id, step));
      return c.body(null, 204);
    });
}
