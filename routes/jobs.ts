import { createRoute, z } from "@hono/zod-openapi";
import { REPLAY_MAX } from "../lib/dead_letters.ts";
import { DeadLetter, Job, JobState } from "../lib/model/job.ts";
import { Id } from "../lib/model/scalars.ts";
import type { Services } from "../lib/services.ts";
import { createRouter } from "./shared/app.ts";
import { json, paged } from "./shared/json.ts";
import { page, Paging } from "./shared/paging.ts";
import { problems } from "./shared/problems.ts";
import { callerOf, secured } from "./shared/secured.ts";

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
export function jobRoutes({ cursors, deadLetters, jobs }: Services) {
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
    .openapi(replayAll, async (c) => c.json(await deadLetters.replayAll(callerOf(c)), 202))
    .openapi(replay, async (c) => {
      const { image_id, step } = await deadLetters.replay(callerOf(c), c.req.valid("param").id);
      return c.json({ image_id, step }, 202);
    })
    .openapi(discard, async (c) => {
      await deadLetters.discard(callerOf(c), c.req.valid("param").id);
      return c.body(null, 204);
    });
}
