/** A server that is asked to end does so in time, and takes nothing with it. */
import assert from "node:assert/strict";
import { makeHome } from "./home.ts";
import { recountFolder, waitForSweep } from "../helpers/recount.ts";
import { type Server, startServer } from "../helpers/server.ts";
import { createPhotos } from "./photos.ts";

const ROUNDS = 5;
const UPLOADS = 50;
const OBJECTS_PER_IMAGE = 4;
/** Orchestrators wait longer; Imago gives requests three seconds, and its children little more. */
const LONGEST_MS = 5_000;

const onlyInFull = { ignore: Deno.env.get("IMAGO_FULL") !== "1" };

Deno.test({
  ...onlyInFull,
  name: "SIGTERM under 50 uploads tears no answer and loses nothing that was accepted",
  async fn() {
    await using home = await makeHome();
    const { dataDir } = home;
    const photoOf = await createPhotos();
    const acknowledged: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await using server = await startServer({ dataDir });
      const uploads = Array.from(
        { length: UPLOADS },
        (_, index) => accepted(server, photoOf(round * UPLOADS + index)),
      );
      // The first answers are there, the last are not.
      await Promise.race(uploads);
      await new Promise((resolve) => setTimeout(resolve, 40 * round));
      await endInTime(server, "SIGTERM");
      const ids = (await Promise.all(uploads)).filter((id) => id !== null);
      acknowledged.push(...ids);
    }
    assert.ok(acknowledged.length > 0);
    await using server = await startServer({ dataDir });
    const images = await server.settle();
    await waitForSweep(dataDir, images.length * OBJECTS_PER_IMAGE);
    await endInTime(server, "SIGTERM");
    assert.deepEqual(images.filter(({ status }) => status !== "done"), []);
    assert.deepEqual((await recountFolder(dataDir, { acknowledged })).broken, []);
  },
});

Deno.test({
  ...onlyInFull,
  name: "an upload that never ends does not keep the server from ending",
  async fn() {
    await using home = await makeHome();
    const { dataDir } = home;
    await using server = await startServer({ dataDir });
    const begun = Promise.withResolvers<void>();
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode(BEGINNING));
        begun.resolve();
        return new Promise(() => {});
      },
    });
    const headers = { "Content-Type": "multipart/form-data; boundary=b" };
    const answer = server.request("/images/upload", { method: "POST", headers, body });
    const failed = assert.rejects(answer, TypeError);
    await begun.promise;
    await new Promise((resolve) => setTimeout(resolve, 200));
    await endInTime(server, "SIGTERM");
    await failed;
  },
});

Deno.test({
  ...onlyInFull,
  name: "Ctrl-C, which reaches the children too, spoils no picture",
  async fn() {
    await using home = await makeHome();
    const { dataDir } = home;
    const photoOf = await createPhotos();
    for (let round = 0; round < ROUNDS; round++) {
      await using server = await startServer({ dataDir });
      await Promise.all([0, 1, 2, 3, 4, 5].map((n) => accepted(server, photoOf(round * 6 + n))));
      Deno.kill(-server.pid, "SIGINT");
      assert.equal((await server.stopped).code, 0);
    }
    await using server = await startServer({ dataDir });
    const images = await server.settle();
    assert.deepEqual(images.map(({ status }) => status), images.map(() => "done"));
    await server.kill("SIGTERM");
  },
});

const BEGINNING =
  '--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n\xff\xd8';

/** The image's id, or null when the upload was not accepted. Fails when half of an answer came. */
async function accepted(server: Server, bytes: Uint8Array<ArrayBuffer>): Promise<string | null> {
  let answer: Response;
  try {
    answer = await server.upload(bytes);
  } catch (error) {
    // Refused, or cut off before any answer: the client knows that it has to ask again.
    if (error instanceof TypeError) return null;
    throw error;
  }
  const text = await answer.text();
  if (answer.status === 503) return null;
  assert.equal(answer.status, 202, text);
  return JSON.parse(text).id;
}

async function endInTime(server: Server, signal: Deno.Signal) {
  const began = performance.now();
  const { code } = await server.kill(signal);
  assert.equal(code, 0, server.log.slice(-10).join("\n"));
  assert.ok(performance.now() - began < LONGEST_MS, "it took too long to end");
}
