import assert from "node:assert/strict";
import { startApp } from "../helpers/app.ts";
import { png } from "../helpers/pictures.ts";

/** Reads Server-Sent Events until the last one is of this type. */
async function eventsUntil(response: Response, last: string) {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const found: { id: string; event: string }[] = [];
  let text = "";
  while (found.at(-1)?.event !== last) {
    const { value, done } = await reader.read();
    if (done) break;
    const blocks = (text + value).split("\n\n");
    text = blocks.pop()!;
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map((line) => line.split(": ", 2)));
      if (fields.event) found.push({ id: fields.id, event: fields.event });
    }
  }
  await reader.cancel();
  return found;
}

Deno.test("GET /events/stream tells an image's life, and resumes without a gap", async () => {
  await using app = await startApp();
  const live = await app.request("/events/stream");
  assert.equal(live.headers.get("Content-Type"), "text/event-stream");
  const following = eventsUntil(live, "image.pending");
  await app.clock.advance(0);
  await app.upload(png());
  const [first] = await following;
  assert.equal(first?.event, "image.pending");
  await app.drain();
  const resumed = await app.request("/events/stream", {
    headers: { "Last-Event-ID": first!.id },
  });
  const seen = [];
  for (const { event } of await eventsUntil(resumed, "image.done")) seen.push(event);
  assert.equal(seen.at(-1), "image.done");
  assert.equal(seen.filter((event) => event === "image.done").length, 1);
  assert.ok(seen.includes("image.step"));
});

Deno.test("GET /events/stream refuses an id that is none, and resets for one it does not know", async () => {
  await using app = await startApp();
  const resume = (id: string) =>
    app.request("/events/stream", { headers: { "Last-Event-ID": id } });
  assert.equal((await resume("1")).status, 400);
  const [reset] = await eventsUntil(await resume(crypto.randomUUID()), "reset");
  assert.equal(reset?.event, "reset");
});
