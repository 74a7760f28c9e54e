import assert from "node:assert/strict";
import { getLogger } from "@logtape/logtape";
import { configureLogs, withLogContext } from "../../lib/logging.ts";

const log = getLogger(["imago", "test"]);

async function linesOf(work: () => unknown): Promise<string[]> {
  const lines: string[] = [];
  await configureLogs({ DEBUG: false, LOG_LEVEL: "debug", write: (line) => lines.push(line) });
  await work();
  return lines;
}

Deno.test("configureLogs() writes one JSON object a line, whatever names hold", async () => {
  const hostile = 'a\r\nb\x1b[31mred\x9b0m\u2028{"level":"FATAL"}\u202e\0';
  const lines = await linesOf(() => {
    log.info("uploaded {name}", { name: hostile });
    log.error("failed: {error}", { error: new Error(hostile, { cause: new Error(hostile) }) });
  });
  assert.equal(lines.length, 2);
  for (const line of lines) {
    // deno-lint-ignore no-control-regex -- it looks for them
    assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/);
    assert.ok(JSON.parse(line));
  }
  assert.equal(JSON.parse(lines[0]!).properties.name, hostile);
});

Deno.test("withLogContext() is on each line, with what is known by then", async () => {
  let tenant: string | null = null;
  const context = {
    request_id: "r1",
    get tenant() {
      return tenant;
    },
  };
  const lines = await linesOf(() =>
    withLogContext(context, async () => {
      log.info("before");
      await Promise.resolve();
      tenant = "t1";
      log.info("after");
      await withLogContext({}, () => log.info("outside"));
    })
  );
  const [before, after, outside] = lines.map((line) => JSON.parse(line).properties);
  assert.deepEqual(before, { request_id: "r1", tenant: null });
  assert.deepEqual(after, { request_id: "r1", tenant: "t1" });
  assert.deepEqual(outside, {});
});

Deno.test("configureLogs() leaves out what looks like a secret", async () => {
  const secrets = [
    `imago_${"a1".repeat(23)}`,
    "Bearer abcdefghijklmnop",
    "sk-SECRET-CANARY-1",
    "https://s3.example/x?X-Amz-Signature=0123456789abcdef",
    "rtsp://admin:hunter2hunter2@camera/1",
    `/files/signed/${"x".repeat(40)}.${"y".repeat(20)}`,
  ];
  const lines = await linesOf(() => secrets.forEach((secret) => log.warn("{secret}!", { secret })));
  const hidden = /a1a1|abcdefgh|SECRET-CANARY|012345|hunter2|xxxx/;
  for (const line of lines) {
    assert.doesNotMatch(line, hidden);
    assert.ok(JSON.parse(line));
  }
});
