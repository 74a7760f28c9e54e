import assert from "node:assert/strict";
import { streamArchive } from "../../lib/archive.ts";
import { createManualClock, until } from "../helpers/clock.ts";
import { untar } from "../helpers/untar.ts";

const MB = 1_048_576;
const clock = createManualClock();
const modifiedAt = new Date("2026-05-01T10:00:00Z");

/** So many bytes in pieces of 64 KiB, made when they are asked for. */
function bytes(size: number, onPull: (count: number) => void = () => {}) {
  let left = size;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = new Uint8Array(Math.min(left, 65_536)).fill(7);
      left -= piece.length;
      onPull(piece.length);
      if (piece.length) controller.enqueue(piece);
      if (left === 0) controller.close();
    },
  }, { highWaterMark: 0 });
}

/** Waits until what can go on has done so. */
async function quiet() {
  for (let turn = 0; turn < 300; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("streamArchive() makes what tar(1) unpacks, names of any length included", async () => {
  const long = `files/${crypto.randomUUID()}/${"n".repeat(180)}.jpg`;
  const files = await untar(streamArchive(clock, async (archive) => {
    await archive.text("README.txt", "déjà vu\n");
    await archive.text("empty", "");
    assert.equal(await archive.file(long, { size: 100_000, modifiedAt }, bytes(100_000)), null);
  }));
  assert.deepEqual([...files.keys()].toSorted(), ["README.txt", "empty", long].toSorted());
  assert.equal(new TextDecoder().decode(files.get("README.txt")), "déjà vu\n");
  assert.deepEqual(files.get(long), new Uint8Array(100_000).fill(7));
});

Deno.test("file() fills up what breaks off, and what follows is unhurt", async () => {
  const broken = ReadableStream.from((function* () {
    yield new Uint8Array([1, 2, 3]);
    throw new Error("torn");
  })());
  const told: (Error | null)[] = [];
  const files = await untar(streamArchive(clock, async (archive) => {
    told.push(await archive.file("a", { size: 200_000, modifiedAt }, broken));
    await archive.text("b", "whole");
  }));
  assert.equal(told[0]?.message, "torn");
  assert.deepEqual(files.get("a"), new Uint8Array(200_000).with(0, 1).with(1, 2).with(2, 3));
  assert.equal(new TextDecoder().decode(files.get("b")), "whole");
});

Deno.test("streamArchive() reads no further ahead than some MiB, and ends with its reader", async () => {
  let pulled = 0;
  const ended = Promise.withResolvers<unknown>();
  const archive = streamArchive(clock, async (archive) => {
    try {
      for (let i = 0; i < 400; i++) {
        await archive.file(`f${i}`, { size: MB, modifiedAt }, bytes(MB, (n) => pulled += n));
      }
      ended.resolve("written to the end");
    } catch (error) {
      ended.resolve(error);
      throw error;
    }
  });
  const reader = archive.getReader();
  await until(() => pulled >= 8 * MB);
  await quiet();
  assert.ok(pulled < 10 * MB, `${pulled} bytes wait for a reader that reads nothing`);
  for (let read = 0; read < 20 * MB;) read += (await reader.read()).value?.length ?? 0;
  assert.ok(pulled < 32 * MB, `${pulled} bytes were taken for 20 MiB that were read`);
  await reader.cancel(new Error("enough"));
  assert.ok(await ended.promise instanceof Error, "its writer was told");
});

Deno.test("streamArchive() breaks off when what it writes fails", async () => {
  const archive = streamArchive(clock, async (archive) => {
    await archive.text("a", "b");
    throw new Error("no more");
  });
  await assert.rejects(new Response(archive).bytes(), { message: "no more" });
});

Deno.test("streamArchive() gives up a reader that takes nothing for five minutes", async () => {
  const ended = Promise.withResolvers<unknown>();
  const archive = streamArchive(clock, async (archive) => {
    const size = 30 * MB;
    await archive.file("a", { size, modifiedAt }, bytes(size)).catch(ended.resolve);
  });
  const reader = archive.getReader();
  for (let turn = 0; turn < 3; turn++) {
    for (let read = 0; read < MB;) read += (await reader.read()).value?.length ?? 0;
    await quiet();
    await clock.advance(4 * 60 * 1000);
  }
  await clock.advance(2 * 60 * 1000);
  assert.ok(await ended.promise instanceof Error);
  await assert.rejects(async () => {
    while (!(await reader.read()).done);
  }, { message: "Nobody reads it" });
});
