/**
 * Kills the real program before and after every act that lasts, starts it again on the same folder,
 * and recounts. The acts are found by a run that is not killed, so new ones are covered as they
 * come. All of them: `deno task test:kill`; otherwise two.
 */
import assert from "node:assert/strict";
import { MAX_RESCUES } from "../../lib/jobs.ts";
import { launchServer, type Server, startServer } from "../helpers/server.ts";
import { recountFolder, waitForSweep } from "../helpers/recount.ts";
import { makeHome } from "./home.ts";
import { createPhotos } from "./photos.ts";

const FULL = Deno.env.get("IMAGO_FULL") === "1";
const CRASH_POINTS = new URL("crash_points.ts", import.meta.url);
const OBJECTS_PER_IMAGE = 4;
/** Kill points tried at the same time. */
const LANES = 2;
const MOST_MISSED = 6;

/** What the client knows: which images it was promised, and which it was told are gone. */
type Promised = { images: Set<string>; gone: Set<string> };
type Story = (server: Server, promised: Promised) => Promise<void>;
type Point = { moment: "before" | "after"; number: number; act: string };

const photoOf = createPhotos();

Deno.test("a kill around the commit of an upload loses nothing", async () => {
  await using home = await prepare();
  const isUpload = ({ act }: Point) => /^commit .*\+usage.*\+images /.test(act);
  const points = (await pointsOf(home.template, upload)).filter(isUpload);
  assert.equal(points.length, 2);
  assert.deepEqual(await killAtEach(points, home, upload), []);
});

Deno.test({
  name: "a kill at any point of an image's life leaves nothing lost, doubled or left over",
  ignore: !FULL,
  async fn() {
    await using home = await prepare();
    const points = await pointsOf(home.template, wholeLife);
    assert.deepEqual(await killAtEach(points, home, wholeLife), []);
  },
});

Deno.test({
  name: "a kill at any point of the first start does not keep the second from starting",
  ignore: !FULL,
  async fn() {
    await using home = await prepare({ started: false });
    const points = await pointsOf(home.template, idle);
    assert.deepEqual(await killAtEach(points, home, idle), []);
  },
});

Deno.test({
  name: "a picture under which the process died again and again is given up, for all to see",
  ignore: !FULL,
  async fn() {
    await using home = await prepare();
    const dataDir = `${home.root}/again`;
    await copyFolder(home.template, dataDir);
    const claim = "after:-jobs_ready";
    await live(dataDir, upload, claim);
    // Each start rescues the job, claims it, and dies.
    for (let rescue = 1; rescue < MAX_RESCUES; rescue++) await live(dataDir, idle, claim);
    await using server = await startServer({ dataDir });
    const [image] = await server.settle();
    await server.kill("SIGTERM");
    assert.equal(image?.status, "failed");
    const { broken, deadLetters, rescues } = await recountFolder(dataDir);
    assert.deepEqual(broken, []);
    assert.equal(rescues, MAX_RESCUES);
    assert.ok(deadLetters > 0);
  },
});

const idle: Story = () => Promise.resolve();

async function upload(server: Server, promised: Promised) {
  const answer = await server.upload((await photoOf)(0));
  assert.equal(answer.status, 202, await answer.clone().text());
  promised.images.add((await answer.json()).id);
  await server.settle();
}

async function wholeLife(server: Server, promised: Promised) {
  await upload(server, promised);
  const [id] = promised.images;
  const again = await server.request(`/images/${id}/reprocess`, { method: "POST" });
  assert.equal(again.status, 202, await again.text());
  await server.settle();
  promised.images.delete(id!);
  const answer = await server.request(`/images/${id}`, { method: "DELETE" });
  assert.equal(answer.status, 204, await answer.text());
  promised.gone.add(id!);
}

/** A folder for the folders of a test; `template` is what every life begins with. */
async function prepare({ started = true } = {}) {
  const home = await makeHome();
  const template = `${home.dataDir}/template`;
  await Deno.mkdir(template);
  if (started) {
    await using server = await startServer({ dataDir: template });
    await server.kill("SIGTERM");
  }
  return { ...home, root: home.dataDir, template };
}

type Home = Awaited<ReturnType<typeof prepare>>;

/** Both moments of every act of a life in which nothing is killed. */
async function pointsOf(template: string, story: Story): Promise<Point[]> {
  const dataDir = `${template}-dry`;
  await copyFolder(template, dataDir);
  const { acts } = await live(dataDir, story, "");
  return acts.flatMap((line) => {
    const [number, ...words] = line.replaceAll(dataDir, "").split(" ");
    const point = { number: Number(number), act: words.join(" ") };
    return [{ ...point, moment: "before" as const }, { ...point, moment: "after" as const }];
  });
}

/** Kills a life of its own at each point. Gives what was broken afterwards, in words. */
async function killAtEach(points: Point[], home: Home, story: Story): Promise<string[]> {
  const broken: string[] = [];
  const missed: string[] = [];
  const left = points.values();
  const lane = async () => {
    for (const point of left) {
      const name = `${point.moment} ${point.number} (${point.act})`;
      const dataDir = `${home.root}/${point.moment}-${point.number}`;
      const kill = `${point.moment}:${point.number}`;
      await copyFolder(home.template, dataDir);
      const { promised, status } = await live(dataDir, story, kill);
      if (status.signal !== "SIGKILL") missed.push(`${name}: was not reached`);
      broken.push(...(await recover(dataDir, promised)).map((words) => `${name}: ${words}`));
      await Deno.remove(dataDir, { recursive: true });
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  // Steps that end together share a commit, so that the last acts may not come.
  return missed.length <= MOST_MISSED ? broken : [...broken, ...missed];
}

/** A life that the kill point ends, or the end of the story. */
async function live(dataDir: string, story: Story, kill: string) {
  const journal = `${dataDir}/journal`;
  const promised: Promised = { images: new Set(), gone: new Set() };
  const preload = { module: CRASH_POINTS, args: [`--journal=${journal}`, `--kill=${kill}`] };
  let status: Deno.CommandStatus;
  await using server = await launchServer({ dataDir, preload });
  try {
    await server.ready();
    await story(server, promised);
    status = await server.kill("SIGTERM");
  } catch (error) {
    // The process was killed under the story: that is the point.
    status = await server.kill("SIGKILL");
    if (!kill) throw error;
  }
  return { promised, status, acts: await linesOf(journal) };
}

/** Starts the plain program again, lets it repair, and recounts. Gives what is broken, in words. */
async function recover(dataDir: string, { images, gone }: Promised): Promise<string[]> {
  await using server = await startServer({ dataDir });
  const settled = server.key ? await server.settle() : [];
  await waitForSweep(dataDir, settled.length * OBJECTS_PER_IMAGE);
  const { code } = await server.kill("SIGTERM");
  const { broken } = await recountFolder(dataDir, { acknowledged: [...images] });
  return [
    ...broken,
    ...(code === 0 ? [] : [`it ended with code ${code}`]),
    ...(settled.length > 1 ? ["one upload became two images"] : []),
    ...settled.filter(({ status }) => status !== "done").map(({ id }) => `${id} is not done`),
    ...settled.filter(({ id }) => gone.has(id)).map(({ id }) => `${id} came back`),
  ];
}

/** The lines of a file; none where it was not even begun. */
async function linesOf(path: string): Promise<string[]> {
  try {
    return (await Deno.readTextFile(path)).trimEnd().split("\n");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function copyFolder(from: string, to: string) {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isFile } of Deno.readDir(from)) {
    if (isFile) await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
    else await copyFolder(`${from}/${name}`, `${to}/${name}`);
  }
}
