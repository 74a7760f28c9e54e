import assert from "node:assert/strict";
import { createFrames } from "../../../routes/console/static/frames.js";
import { createPagedList } from "../../../routes/console/static/paged_list.js";
import { readEvents } from "../../../routes/console/static/sse.js";
import { fill } from "../../../routes/console/static/messages.js";
import { createUploads, type Upload } from "../../../routes/console/static/uploads.js";

Deno.test("fill() writes numbers and plurals as the language does", () => {
  const photos = { one: "{count} photo", other: "{count} photos" };
  assert.equal(fill("en", photos, { count: 1 }), "1 photo");
  assert.equal(fill("en", photos, { count: 0 }), "0 photos");
  assert.equal(fill("fr", photos, { count: 0 }), "0 photo");
  assert.equal(fill("en", photos, { count: 12_000 }), "12,000 photos");
  assert.equal(fill("en", "of {name}, {other}", { name: "a {count}" }), "of a {count}, {other}");
});

Deno.test("readEvents() puts events together whose chunks break anywhere", async () => {
  const text = 'id: 1\nevent: image.done\ndata: {"a":1}\n\n: still here\n\ndata: x\ndata: y\n\n';
  for (const size of [1, 3, 7, text.length]) {
    const chunks = text.match(new RegExp(`[^]{1,${size}}`, "g"))!;
    const events = await Array.fromAsync(readEvents(ReadableStream.from(chunks)));
    assert.deepEqual(events, [
      { id: "1", type: "image.done", data: '{"a":1}' },
      { id: "", type: "message", data: "x\ny" },
    ], `chunks of ${size}`);
  }
});

/** A list of so many items, newest first, of which pages are read, and counted. */
function longList(length: number, pageSize: number) {
  const items = Array.from({ length }, (_, place) => ({
    id: String(length - place).padStart(6, "0"),
  }));
  const reads: string[] = [];
  const read = (cursor: string) => {
    reads.push(cursor);
    const rest = items.filter(({ id }) => !cursor || id < cursor);
    const page = rest.slice(0, pageSize);
    const next_cursor = rest.length > pageSize ? page.at(-1)!.id : null;
    return Promise.resolve({ items: page, next_cursor });
  };
  return { items, reads, read };
}

Deno.test("createPagedList() holds the pages near the reader alone, and reads them again", async () => {
  const { items, reads, read } = longList(10_000, 200);
  const list = createPagedList<{ id: string }>({ read, keep: 4 });
  for (let place = 0; place < 10_000; place += 100) await list.ensure(place, place + 100);
  assert.deepEqual([list.total, list.complete, reads.length], [10_000, true, 50]);
  assert.equal(list.held().length, 800);
  assert.equal(list.at(0), null);
  await list.ensure(0, 50);
  assert.deepEqual(list.at(49), items[49]);
  assert.equal(reads.length, 51);
  assert.equal(list.held().length, 800);
});

Deno.test("createPagedList() shows an item once when others were deleted meanwhile", async () => {
  const { items, read } = longList(60, 10);
  const list = createPagedList<{ id: string }>({ read, keep: 1 });
  for (let place = 0; place < 60; place += 10) await list.ensure(place, place + 10);
  items.splice(2, 3);
  await list.ensure(0, 10);
  assert.equal(list.total, 57);
  await list.ensure(0, 14);
  const seen = Array.from({ length: 14 }, (_, place) => list.at(place)?.id);
  assert.deepEqual(seen, items.slice(0, 14).map(({ id }) => id));
});

Deno.test("createPagedList() finds its place again from an outline", async () => {
  const { items, read, reads } = longList(1_000, 100);
  const before = createPagedList<{ id: string }>({ read });
  await before.ensure(0, 750);
  const after = createPagedList<{ id: string }>({ read });
  after.restore(JSON.parse(JSON.stringify(before.outline())));
  reads.length = 0;
  await after.ensure(700, 750);
  assert.deepEqual([after.total, reads.length, after.at(720)], [800, 1, items[720]]);
});

Deno.test("createPagedList() goes on behind empty pages", async () => {
  const answers = [
    { items: [], next_cursor: "a" },
    { items: [{ id: "2" }], next_cursor: "b" },
    { items: [], next_cursor: null },
  ];
  const list = createPagedList<{ id: string }>({ read: () => Promise.resolve(answers.shift()!) });
  await list.ensure(0, 100);
  assert.deepEqual([list.total, list.complete], [1, true]);
});

/** Uploads whose sending the test decides. */
function uploadsUnderTest(judge = { again: true, afterMs: null as number | null }) {
  const sending: { upload: Upload; signal: AbortSignal; end: (image: string | Error) => void }[] =
    [];
  const uploads = createUploads({
    send: (upload, _onProgress, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        const end = (image: string | Error) =>
          typeof image === "string" ? resolve(image) : reject(image);
        sending.push({ upload, signal, end });
      }),
    judge: () => judge,
    onChange: () => {},
    atOnce: 2,
  });
  const files = (count: number) => Array.from({ length: count }, (_, i) => new File(["x"], `${i}`));
  const states = () => uploads.all.map(({ state }) => state);
  const turn = () => new Promise((resolve) => setTimeout(resolve));
  return { uploads, sending, files, states, turn };
}

Deno.test("createUploads() sends so many at once, each in its turn", async () => {
  const { uploads, sending, files, states, turn } = uploadsUnderTest();
  uploads.add(files(3));
  assert.deepEqual(states(), ["sending", "sending", "waiting"]);
  sending[0]!.end("image-0");
  await turn();
  assert.deepEqual(states(), ["taken", "sending", "sending"]);
  assert.equal(uploads.all[0]!.image, "image-0");
});

Deno.test("createUploads() pauses what is sent, and sends it again under the same key", async () => {
  const { uploads, sending, files, states, turn } = uploadsUnderTest();
  uploads.add(files(2));
  uploads.pauseAll();
  assert.ok(sending.every(({ signal }) => signal.aborted));
  await turn();
  assert.deepEqual(states(), ["paused", "paused"]);
  uploads.resumeAll();
  assert.deepEqual(states(), ["sending", "sending"]);
  assert.deepEqual(sending.map(({ upload }) => upload.key).slice(2), [
    sending[0]!.upload.key,
    sending[1]!.upload.key,
  ]);
});

Deno.test("createUploads() tells what broke off from what was refused", async () => {
  for (const [again, state] of [[true, "broken"], [false, "refused"]] as const) {
    const { uploads, sending, files, states, turn } = uploadsUnderTest({ again, afterMs: null });
    uploads.add(files(1));
    sending[0]!.end(new Error("why"));
    await turn();
    assert.deepEqual(states(), [state]);
    assert.match(String(uploads.all[0]!.error), /why/);
    uploads.retryAll();
    assert.deepEqual(states(), [again ? "sending" : "refused"]);
  }
});

Deno.test("createUploads() holds everything back while the server is busy", async () => {
  const { uploads, sending, files, states, turn } = uploadsUnderTest({ again: true, afterMs: 30 });
  uploads.add(files(3));
  sending[0]!.end(new Error("busy"));
  await turn();
  assert.deepEqual(states(), ["waiting", "sending", "waiting"]);
  while (sending.length < 3) await turn();
  assert.deepEqual(states(), ["sending", "sending", "waiting"]);
  uploads.pauseAll();
  await turn();
});

/** A line whose other end is the test. */
class FakeLine extends EventTarget {
  readyState: WebSocket["readyState"] = WebSocket.OPEN;
  said: { type: string; channels: string[] }[] = [];

  send(text: string) {
    this.said.push(JSON.parse(text));
  }
  hears(message: unknown) {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  }
  close() {
    this.readyState = WebSocket.CLOSED;
    this.dispatchEvent(new Event("close"));
  }
}

function framesUnderTest() {
  const lines: FakeLine[] = [];
  const waits: { ms: number; work: () => void }[] = [];
  let mode: "up" | "down" | "forbidden" = "up";
  const frames = createFrames({
    connect() {
      if (mode === "down") return Promise.reject(new Error("nobody answers"));
      if (mode === "forbidden") return Promise.resolve(null);
      const line = new FakeLine();
      lines.push(line);
      return Promise.resolve(line);
    },
    later: (work, ms) => void waits.push({ ms, work }),
  });
  const turn = () => new Promise((resolve) => setTimeout(resolve));
  return { frames, lines, waits, turn, set: (next: typeof mode) => mode = next };
}

Deno.test("createFrames() watches cameras over one line, and lets it go with the last of them", async () => {
  const { frames, lines, turn } = framesUnderTest();
  const seen: string[] = [];
  const leaveGate = frames.watch("gate", (jpeg) => seen.push(`gate ${jpeg}`));
  await turn();
  lines[0]!.hears({ type: "connected" });
  const leaveYard = frames.watch("yard", (jpeg) => seen.push(`yard ${jpeg}`));
  lines[0]!.hears({ type: "frame_update", camera_id: "gate", data: "a" });
  lines[0]!.hears({ type: "frame_update", camera_id: "other", data: "b" });
  leaveGate();
  lines[0]!.hears({ type: "frame_update", camera_id: "gate", data: "c" });
  leaveYard();
  assert.deepEqual(seen, ["gate a"]);
  assert.deepEqual(lines[0]!.said, [
    { type: "subscribe", channels: ["camera_gate"] },
    { type: "subscribe", channels: ["camera_yard"] },
    { type: "unsubscribe", channels: ["camera_gate"] },
    { type: "unsubscribe", channels: ["camera_yard"] },
  ]);
  assert.deepEqual([lines.length, lines[0]!.readyState], [1, WebSocket.CLOSED]);
});

Deno.test("createFrames() comes back after a break, ever more slowly, and tells what it watches", async () => {
  const { frames, lines, waits, turn, set } = framesUnderTest();
  frames.watch("gate", () => {});
  await turn();
  lines[0]!.hears({ type: "connected" });
  set("down");
  lines[0]!.close();
  for (const expected of [1_000, 2_000, 4_000]) {
    const { ms, work } = waits.shift()!;
    assert.equal(ms, expected);
    if (expected === 4_000) set("up");
    work();
    await turn();
  }
  lines[1]!.hears({ type: "connected" });
  assert.deepEqual(lines[1]!.said, [{ type: "subscribe", channels: ["camera_gate"] }]);
  lines[1]!.close();
  assert.equal(waits.shift()!.ms, 1_000, "a line that stood begins anew");
});

Deno.test("createFrames() has no line while the page is not seen, nor where it is not allowed", async () => {
  const { frames, lines, waits, turn, set } = framesUnderTest();
  frames.watch("gate", () => {});
  await turn();
  frames.rest(true);
  assert.equal(lines[0]!.readyState, WebSocket.CLOSED);
  set("forbidden");
  frames.rest(false);
  await turn();
  assert.deepEqual([lines.length, waits.length], [1, 0]);
});
