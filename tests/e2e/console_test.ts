// deno-lint-ignore-file no-import-prefix -- see tests/helpers/browser.ts
import assert from "node:assert/strict";
import type { Page } from "npm:playwright-core@1.65.1";
import { translator } from "../../routes/console/language.ts";
import { SCREENS } from "../../routes/console/screens.ts";
import { furnish, startSurroundings } from "../helpers/furnished.ts";
import { noBrowser, startBrowser } from "../helpers/browser.ts";
import { startFakeAi } from "../helpers/fake_ai.ts";
import { startFakeCamera, wantsBasic } from "../helpers/fake_camera.ts";
import { MOMENTS } from "../helpers/moments.ts";
import { type Server, startServer } from "../helpers/server.ts";
import { fakeImages } from "../helpers/fake_images.ts";
import type { Camera } from "../../lib/model/camera.ts";
import { eventually } from "./eventually.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url).pathname;
const SIZES = {
  desk: { viewport: { width: 1280, height: 860 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
};

type Stage = {
  server: Server;
  browser: Awaited<ReturnType<typeof startBrowser>>;
  /** Everything that pages complained about in their consoles. */
  complaints: string[];
};

/**
 * The real program, with these environment variables, and a real browser; fails when a page
 * complains in its console.
 */
function browserTest(
  name: string,
  run: (stage: Stage) => Promise<void>,
  env: () => Record<string, string> = () => ({}),
) {
  Deno.test({
    name,
    ignore: noBrowser,
    // The browser's line stays open between steps.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const dataDir = await Deno.makeTempDir();
      try {
        await using server = await startServer({ dataDir, env: env() });
        await using browser = await startBrowser();
        const complaints: string[] = [];
        await run({ server, browser, complaints });
        assert.deepEqual(complaints, []);
      } finally {
        await Deno.remove(dataDir, { recursive: true });
      }
    },
  });
}

async function open({ server, browser, complaints }: Stage, path: string, options = {}) {
  const page = await browser.page({ baseURL: server.base, ...options });
  page.setDefaultTimeout(10_000);
  page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    // The browser itself notes every answer that is not 2xx.
    const noted = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !noted) complaints.push(`${page.url()}: ${message.text()}`);
  });
  await page.goto(path);
  return page;
}

async function giveKey(page: Page, key: string) {
  await page.locator("#key").fill(key);
  await page.getByRole("button", { name: "Use this key" }).click();
}

async function signIn(page: Page, key: string) {
  await giveKey(page, key);
  await page.locator("body[data-ready]").waitFor();
}

for (const [size, options] of Object.entries(SIZES)) {
  browserTest(`the console takes in, shows, finds and opens photos (${size})`, async (stage) => {
    const page = await open(stage, "/", options);
    await giveKey(page, "imago_wrong");
    await page.getByText("This key is not valid").waitFor();
    await signIn(page, stage.server.key);

    const photos = ["camera.jpg", "plain.png", "alpha.png"];
    await page.locator("#files").setInputFiles(photos.map((name) => FIXTURES + name));
    await page.getByText("3 of 3 photos taken in").waitFor();
    for (const name of photos) {
      await page.locator(`.upload:has-text("${name}") .chip:text-is("done")`).waitFor();
    }
    await page.locator("#files").setInputFiles(`${FIXTURES}README.md`);
    await page.locator('.upload[data-state="refused"]:has-text("README.md")').waitFor();

    await page.goto("/console/images");
    await page.getByText("3 photos", { exact: true }).waitFor();
    await page.getByRole("searchbox").fill("camera");
    await page.getByRole("searchbox").press("Enter");
    await page.getByText("1 photo", { exact: true }).waitFor();
    assert.match(page.url(), /\?text=camera$/);
    await page.locator(".tile a").click();

    await page.getByRole("heading", { name: "camera.jpg" }).waitFor();
    await page.locator("#steps li").nth(3).waitFor();
    assert.deepEqual(
      await page.locator("#steps li").evaluateAll((items) =>
        items.map((item) => item.getAttribute("data-state"))
      ),
      ["done", "done", "skipped", "skipped"],
    );
    const map = page.getByRole("link", { name: "(map)" });
    assert.match(await map.getAttribute("href") ?? "", /^https:\/\/maps\.google\.com\/\?q=/);
    await page.locator(".frame img").waitFor();

    await page.getByRole("button", { name: "Make a link" }).click();
    const link = await page.locator("#link input").inputValue();
    const answer = await fetch(link);
    assert.deepEqual([answer.status, answer.headers.get("Content-Type")], [200, "image/jpeg"]);
    await answer.body?.cancel();

    await page.goBack({ waitUntil: "commit" });
    await page.getByText("1 photo", { exact: true }).waitFor();
    assert.equal(await page.getByRole("searchbox").inputValue(), "camera");
  });
}

browserTest("the console follows what others do to photos as it happens", async (stage) => {
  const { server } = stage;
  const page = await open(stage, "/console/images");
  await signIn(page, server.key);
  await page.getByText("There are no photos yet").waitFor();
  const bytes = await Deno.readFile(`${FIXTURES}camera.jpg`);
  const { id } = await (await server.upload(bytes, "elsewhere.jpg")).json();
  await page.getByRole("button", { name: "1 new photo: show it" }).click();
  await page.locator(`.tile[data-id="${id}"] img`).waitFor();
  await (await server.request(`/images/${id}`, { method: "DELETE" })).body?.cancel();
  await page.locator(`.tile[data-id="${id}"]`).waitFor({ state: "detached" });
});

browserTest("photos are chosen, and deleted together after a question", async (stage) => {
  const { server } = stage;
  const bytes = await Deno.readFile(`${FIXTURES}plain.png`);
  for (const name of ["a.png", "b.png", "c.png"]) await (await server.upload(bytes, name)).json();
  await server.settle();
  const page = await open(stage, "/console/images");
  await signIn(page, server.key);
  await page.getByLabel("Select c.png").check();
  await page.getByLabel("Select a.png").click({ modifiers: ["Shift"] });
  await page.getByText("3 selected").waitFor();
  await page.getByLabel("Select b.png").uncheck();
  await page.getByRole("toolbar").getByRole("button", { name: "Delete" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Delete 2 photos").waitFor();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.getByText("2 photos deleted").waitFor();
  assert.deepEqual((await server.images()).map(({ original_name }) => original_name), ["b.png"]);
});

browserTest("the language changes in place, and stays", async (stage) => {
  const page = await open(stage, "/console/images");
  await signIn(page, stage.server.key);
  await page.getByRole("link", { name: "Français" }).click();
  await page.getByRole("heading", { name: "Galerie" }).waitFor();
  await page.getByText("Il n’y a pas encore de photos.").waitFor();
  await page.goto("/");
  await page.getByRole("heading", { name: "Envoyer des photos" }).waitFor();
});

browserTest(
  "10,000 photos are a bounded number of nodes, from the first to the last",
  async (stage) => {
    const page = await open(stage, "/console/images");
    await page.route(/\/images\?/, fakeImages(10_000));
    await signIn(page, stage.server.key);
    await page.locator(".tile").first().waitFor();
    const nodes = () => page.locator("#grid *").count();
    const moreThan = async (before: number) => {
      for (const until = Date.now() + 10_000; Date.now() < until;) {
        await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
        const shown = Number((await page.locator("#found").textContent())?.replace(/\D/g, ""));
        if (shown > before) return shown;
      }
      throw new Error(`no more than ${before} photos are shown`);
    };
    let most = await nodes();
    for (let shown = 0; shown < 10_000;) {
      shown = await moreThan(shown);
      most = Math.max(most, await nodes());
    }
    await page.getByText("10,000 photos", { exact: true }).waitFor();
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await page.locator('.tile[aria-posinset="10000"] img').waitFor();
    most = Math.max(most, await nodes());
    assert.ok(most < 1_000, `${most} nodes`);

    await page.locator('.tile[aria-posinset="10000"] a').focus();
    await page.keyboard.press("ArrowLeft");
    const focused = page.locator('.tile[aria-posinset="9999"] a:focus');
    await focused.waitFor();
    await page.evaluate(() => scrollTo(0, 0));
    await page.locator('.tile[aria-posinset="1"] img').waitFor();
  },
);

browserTest("a draft is made of photos, put in order by keys, and published", async (stage) => {
  const page = await open(stage, "/console/drafts");
  await signIn(page, stage.server.key);
  await page.getByText("There are no drafts yet").waitFor();
  await page.locator("#photos").setInputFiles([`${FIXTURES}camera.jpg`, `${FIXTURES}plain.png`]);
  await page.getByRole("button", { name: "Make the draft" }).click();
  await page.getByRole("heading", { name: "Without a title" }).waitFor();
  const first = await page.getByAltText("Photo 1 of 2").getAttribute("src");
  await page.getByRole("button", { name: "Move photo 1 back" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("Now photo 2 of 2").waitFor();
  assert.equal(await page.getByAltText("Photo 2 of 2").getAttribute("src"), first);
  await page.locator("#words [name=title]").fill("Blue coat");
  await page.locator("#words [name=price_suggested]").fill("25");
  await page.getByRole("button", { name: "Publish" }).click();
  await page.locator("#status", { hasText: "published" }).waitFor();
  await page.goto("/console/drafts");
  await page.getByRole("link", { name: "Blue coat" }).waitFor();
});

const ai = noBrowser ? null : startFakeAi();

browserTest("what gave up is shown with its cause, and tried again", async (stage) => {
  ai!.setMode("500");
  const bytes = await Deno.readFile(`${FIXTURES}plain.png`);
  for (const name of ["a.png", "b.png"]) await (await stage.server.upload(bytes, name)).json();
  await stage.server.settle();
  const page = await open(stage, "/console/jobs");
  await signIn(page, stage.server.key);
  await page.getByRole("heading", { name: "Description: 2 photos" }).waitFor();
  ai!.setMode("ok");
  await page.getByRole("button", { name: "Try these again" }).click();
  await page.getByText("Nothing gave up").waitFor();
  const [image] = await stage.server.settle();
  assert.equal(image?.status, "done");
  await page.goto("/console/assistant");
  await page.getByLabel("What is to be done").fill("Sort the photos");
  await page.getByRole("button", { name: "Draft it" }).click();
  await page.locator("#task-answer h3").waitFor();
}, () => ({
  AI_PROVIDER: "openai",
  OPENAI_BASE_URL: ai!.openaiBaseUrl,
  OPENAI_API_KEY: "fake",
  WORKER_MAX_TRIES: "1",
}));

browserTest("the operator makes a client, whose key then signs in", async (stage) => {
  const page = await open(stage, "/console/clients");
  await giveKey(page, stage.server.key);
  await page.getByText("This page is for the operator").waitFor();
  await signIn(page, stage.server.adminKey);
  await page.locator("#screen").getByLabel("Name").fill("Acme");
  await page.getByLabel("administer").check();
  await page.getByRole("button", { name: "Create the client" }).click();
  const key = await page.locator(".secret code").textContent();
  assert.match(key ?? "", /^imago_/);
  await page.getByRole("row", { name: /Acme/ }).waitFor();
  await page.goto("/info");
  await page.getByRole("row", { name: /WORKER_MAX_JOBS/ }).waitFor();
  assert.ok(!(await page.content()).includes(stage.server.adminKey));

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor({ state: "hidden" });
  await page.goto("/console/keys");
  await signIn(page, key ?? "");
  await page.locator("#who", { hasText: "Acme" }).waitFor();
  await page.locator("#screen").getByLabel("Name").fill("for the shop");
  await page.getByRole("button", { name: "Create the key" }).click();
  await page.locator(".secret code").waitFor();
  await page.getByRole("button", { name: "Delete the key for the shop" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("row", { name: /for the shop/ }).waitFor({ state: "detached" });
  await page.goto("/console/audit");
  await page.getByRole("row", { name: /key.created/ }).waitFor();
});

/** Tells of an event, as a program would; gives its id. */
async function cameraOf({ server }: Stage, id = ""): Promise<Camera> {
  return await (await server.request(`/api/cameras/${id}`)).json();
}

async function tellOf({ server }: Stage, event: Record<string, unknown>): Promise<string> {
  const answer = await server.request("/api/events", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ type: "intrusion", severity: "high", ...event }),
  });
  assert.equal(answer.status, 201);
  return (await answer.json()).id;
}

browserTest("an event shows up as it comes, and is acknowledged with a note", async (stage) => {
  const page = await open(stage, "/console/events");
  await signIn(page, stage.server.key);
  await page.getByText("Nothing has been seen").waitFor();
  const id = await tellOf(stage, { description: "At the gate" });
  await page.getByText("At the gate").waitFor();
  await page.getByLabel("Note").fill("A fox");
  await page.getByRole("button", { name: "Acknowledge" }).click();
  await page.getByText("A fox").waitFor();
  const seen = await (await stage.server.request(`/api/events/${id}`)).json();
  assert.deepEqual([seen.acknowledged, seen.notes], [true, "A fox"]);
});

browserTest(
  "new events wait while the reader writes, reads further down, or wants others",
  async (stage) => {
    const told = (place: number) => tellOf(stage, { description: `Number ${place}` });
    for (let place = 0; place < 20; place++) await told(place);
    const page = await open(stage, "/console/events");
    await signIn(page, stage.server.key);
    const first = page.locator(".event").first();
    await first.getByLabel("Note").fill("Half a");
    await told(20);
    const news = page.getByRole("button", { name: "1 new event: show it" });
    await news.waitFor();
    assert.equal(await first.getByLabel("Note").inputValue(), "Half a");
    await news.click();
    await first.getByText("Number 20").waitFor();
    assert.ok(await first.evaluate((card) => card === document.activeElement));

    await page.getByText("Number 1", { exact: true }).scrollIntoViewIfNeeded();
    await page.locator("h1").evaluate((_) => document.body.focus());
    const before = await page.evaluate(() => scrollY);
    assert.ok(before > 0);
    await told(21);
    await news.waitFor();
    assert.equal(await page.evaluate(() => scrollY), before);

    await page.getByLabel("Severity").selectOption("low");
    await page.getByText("Nothing has been seen").waitFor();
    assert.match(page.url(), /\?severity=low$/);
    await told(22);
    await tellOf(stage, { description: "A leaf", severity: "low" });
    await page.getByText("A leaf").waitFor();
    assert.equal(await page.locator(".event").count(), 1);
  },
);

browserTest("screens that were left hold no line, and go on where they were", async (stage) => {
  const page = await open(stage, "/console/events");
  await signIn(page, stage.server.key);
  await page.getByText("Nothing has been seen").waitFor();
  // A browser has six lines for a server, and keeps as many pages.
  for (let round = 0; round < 4; round++) {
    for (const path of ["/console/jobs", "/console/images"]) {
      await page.goto(path);
      await page.locator("body[data-ready]").waitFor();
    }
  }
  await tellOf(stage, { description: "While away" });
  await page.goto("/console/events");
  await page.getByText("While away").waitFor();
  await page.goto("/console/jobs");
  await page.locator("body[data-ready]").waitFor();
  await tellOf(stage, { description: "Meanwhile" });
  await page.goBack({ waitUntil: "commit" });
  await page.getByText("Meanwhile").waitFor();
  await tellOf(stage, { description: "Just now" });
  await page.getByText("Just now").waitFor();
});

browserTest("a list that cannot be read says so, and not that it is loading", async (stage) => {
  const page = await open(stage, "/console/images");
  await signIn(page, stage.server.key);
  await page.route("**/api/events?*", (route) => route.abort());
  await page.route("**/api/events", (route) => route.abort());
  await page.goto("/console/events");
  await page.getByRole("alert").getByText("Imago cannot be reached").waitFor();
  await page.locator("#events-loading").waitFor({ state: "hidden" });
  assert.equal(await page.getByText("Nothing has been seen").isVisible(), false);
});

browserTest("who may see events alone sees them come, and acknowledges none", async (stage) => {
  const made = await stage.server.request("/auth/keys", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: "guard", scopes: ["events:read"] }),
  });
  const { api_key: key } = await made.json();
  const page = await open(stage, "/console/events");
  await signIn(page, key);
  await page.getByText("Nothing has been seen").waitFor();
  await tellOf(stage, { description: "At the gate" });
  await page.getByText("At the gate").waitFor({ timeout: 20_000 });
  assert.equal(await page.getByRole("button", { name: "Acknowledge" }).count(), 0);
  assert.equal(await page.getByRole("link", { name: "Gallery" }).isVisible(), false);
});

browserTest("an event's picture is shown with the place that it is about", async (stage) => {
  const { server } = stage;
  const bytes = await Deno.readFile(`${FIXTURES}camera.jpg`);
  const { id: image_id } = await (await server.upload(bytes)).json();
  await server.settle();
  const page = await open(stage, "/console/events");
  await signIn(page, server.key);
  await page.getByText("Nothing has been seen").waitFor();
  await tellOf(stage, { image_id, box: { x: 0.5, y: 0.25, width: 0.25, height: 0.5 } });
  const picture = page.locator(".event-picture");
  await picture.locator("img").waitFor();
  const [outer, mark] = await Promise.all([
    picture.locator("img").boundingBox(),
    picture.locator(".mark").boundingBox(),
  ]);
  assert.ok(Math.abs(mark!.x - outer!.x - outer!.width / 2) < 2, "half way to the right");
  assert.ok(Math.abs(mark!.height - outer!.height / 2) < 2, "half as high");
  await page.getByRole("link", { name: "See the picture: Intrusion" }).click();
  await page.waitForURL(`**/console/images/${image_id}`);
});

for (const [size, locale] of [["desk", "en"], ["phone", "fr"]] as const) {
  browserTest(
    `a camera is added, started, seen, changed and deleted (${size}, ${locale})`,
    async (stage) => {
      const { server } = stage;
      const t = translator(locale);
      const picture = await Deno.readFile(`${FIXTURES}plain.jpg`);
      await using fake = startFakeCamera(() => picture, 100, wantsBasic("viewer:open-sesame"));
      const page = await open(stage, "/console/images?lang=en", SIZES[size]);
      await signIn(page, server.key);
      await page.goto(`/console/cameras?lang=${locale}`);
      await page.getByText(t("cameras.empty")).waitFor();
      const button = (name: string) => page.getByRole("button", { name });

      const form = page.locator("#camera-new");
      await form.getByLabel(t("cameras.name"), { exact: true }).fill("Gate");
      const secret = fake.base.replace("//", "//viewer:open-sesame@");
      await form.getByLabel(t("cameras.url")).fill(`${secret}/video`);
      await form.getByLabel(t("cameras.fps")).fill("10");
      await button(t("cameras.add")).click();
      await page.getByText(t("cameras.no.inactive"), { exact: true }).waitFor();
      await page.getByRole("button", { name: `${t("cameras.start")}: Gate` }).click();
      await page.getByText(t("cameras.state.active"), { exact: true }).waitFor();
      const live = page.getByAltText(t("cameras.pictureOf", { name: "Gate" }));
      await live.waitFor();
      assert.ok(await live.evaluate((image: HTMLImageElement) => image.naturalWidth > 0));

      await page.getByRole("link", { name: "Gate" }).click();
      await page.getByRole("heading", { name: "Gate" }).waitFor();
      await live.waitFor();
      assert.ok(!(await page.content()).includes("open-sesame"));
      const id = page.url().split("/").at(-1);
      await tellOf(stage, { camera_id: id, description: "Someone" });
      const card = page.locator(".event", { hasText: "Someone" });
      await card.getByLabel(t("events.note")).fill("The postman");
      await card.getByRole("button", { name: t("events.acknowledge") }).click();
      await card.getByText("The postman").waitFor();

      fake.fail();
      await page.getByText(t("cameras.no.error")).waitFor();
      await page.locator("#reason").waitFor();
      fake.recover();

      const settings = page.locator("#camera-form");
      await settings.getByLabel(t("cameras.location")).fill("Yard");
      await button(t("cameras.save")).click();
      await page.locator(".toast", { hasText: t("cameras.saved") }).waitFor();
      const kept = await cameraOf(stage, id);
      assert.deepEqual([kept.location, kept.fps, kept.name], ["Yard", 10, "Gate"]);
      // It is active: the masked address is the one with the password still.
      await page.getByText(t("cameras.state.active"), { exact: true }).waitFor();

      await settings.getByLabel(t("seeing.cooldown")).fill("60");
      await button(t("seeing.addZone")).click();
      await page.locator("#zones").getByLabel(t("seeing.zoneName")).fill("gate");
      await page.locator("#zones").getByLabel(t("seeing.width")).fill("40");
      await page.locator(".live .zone", { hasText: "gate" }).waitFor();
      await button(t("seeing.addRule")).click();
      const rule = page.locator("#rules li");
      await rule.getByLabel(t("seeing.labels")).fill("person, dog");
      await rule.getByLabel(t("seeing.where")).selectOption("gate");
      await button(t("cameras.save")).click();
      await eventually(async () => (await cameraOf(stage, id)).rules.length === 1);
      const { name, motion, rules } = await cameraOf(stage, id);
      assert.equal(name, "Gate", "not what its zone is called");
      const gate = { name: "gate", x: 0.25, y: 0.25, width: 0.4, height: 0.5 };
      assert.deepEqual([motion.cooldown_s, motion.zones], [60, [gate]]);
      const [{ labels, zone, type }] = rules as [Camera["rules"][number]];
      assert.deepEqual([labels, zone, type], [["person", "dog"], "gate", "intrusion"]);
      await page.reload();
      await rule.getByLabel(t("seeing.where")).waitFor();
      assert.equal(await rule.getByLabel(t("seeing.where")).inputValue(), "gate");
      await page.getByRole("button", { name: `${t("cameras.stop")}: Gate` }).click();
      await page.getByText(t("cameras.state.inactive"), { exact: true }).waitFor();

      await page.getByRole("link", { name: t("cameras.allEvents") }).click();
      await page.locator(".event", { hasText: "The postman" }).waitFor();
      await page.locator(".event").getByRole("link", { name: "Gate" }).click();
      await button(t("cameras.delete")).click();
      await page.getByRole("dialog").getByRole("button", { name: t("cameras.delete") }).click();
      await page.getByText(t("cameras.empty")).waitFor();
    },
    () => ({ FETCH_ALLOWED_NETS: "127.0.0.0/8" }),
  );
}

browserTest("cameras that answer nearby are offered, with what keeps them out", async (stage) => {
  const found = { hardware: "C-100", location: "Yard", xaddrs: [], known: false, allowed: true };
  const page = await open(stage, "/console/cameras");
  await page.route("**/api/cameras/discover", (route) =>
    route.fulfill({
      json: {
        items: [
          { ...found, name: "Barn", addresses: ["192.0.2.7"] },
          { ...found, name: "Gate", addresses: ["192.0.2.8"], known: true },
          { ...found, name: "Shed", addresses: ["192.0.2.9"], allowed: false },
        ],
      },
    }));
  await signIn(page, stage.server.key);
  await page.getByRole("button", { name: "Look for cameras" }).click();
  const item = (name: string) => page.locator("#discovered li", { hasText: name });
  await item("Gate").getByText("is there already").waitFor();
  await item("Shed").getByText("FETCH_ALLOWED_NETS").waitFor();
  assert.equal(await page.locator("#discovered button").count(), 1);
  await item("Barn").getByRole("button").click();
  const values = page.locator("#camera-new input");
  assert.deepEqual(
    await values.evaluateAll((fields) => fields.map((field) => (field as HTMLInputElement).value)),
    ["Barn", "rtsp://192.0.2.7:554/", "Yard", "2"],
  );
});

browserTest("everything can be taken out, and erased by typing the name", async (stage) => {
  const page = await open(stage, "/console/privacy");
  await signIn(page, stage.server.key);
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export" }).click();
  assert.match((await download).suggestedFilename(), /^imago-export-.*\.tar$/);
  await page.getByText("Exported:").waitFor();
  await page.getByRole("button", { name: "Erase everything" }).click();
  const dialog = page.getByRole("dialog");
  const erase = dialog.getByRole("button", { name: "Erase everything" });
  assert.ok(await erase.isDisabled());
  await dialog.getByRole("textbox").fill("default");
  await erase.click();
  await page.getByRole("link", { name: "The receipt" }).waitFor();
  const after = await stage.server.request("/images");
  await after.body?.cancel();
  assert.equal(after.status, 401);
});

browserTest("a picture is looked at, and the answer judged", async (stage) => {
  const page = await open(stage, "/inference");
  await signIn(page, stage.server.key);
  await page.locator("#file").setInputFiles(`${FIXTURES}plain.jpg`);
  await page.locator(".verdict").waitFor();
  await page.getByRole("button", { name: "Wrong" }).click();
  await page.getByRole("button", { name: "Cat", exact: true }).click();
  await page.getByText("that is noted").first().waitFor();
  const { sum } = await (await stage.server.request("/api/metrics/7d")).json();
  assert.deepEqual([sum.predictions, sum.feedback, sum.positive_rate], [1, 1, 0]);
  await page.locator("#sums dd").first().filter({ hasText: /^1$/ }).waitFor();
  assert.equal(await page.locator(".chart svg").count(), 4);
});

browserTest("a user is made, and signs in with name and password", async (stage) => {
  const page = await open(stage, "/console/users");
  await signIn(page, stage.server.key);
  await page.locator("#user-new [name=username]").fill("marie");
  await page.locator("#user-new [name=password]").fill("a long pass phrase");
  await page.getByRole("button", { name: "Create the user" }).click();
  await page.getByRole("row", { name: /marie/ }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor({ state: "hidden" });
  await page.goto("/console/images");
  await page.getByText("Or sign in with a name").click();
  await page.locator("#username").fill("marie");
  await page.locator("#password").fill("wrong");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByText("Name or password is wrong").waitFor();
  await page.locator("#password").fill("a long pass phrase");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByText("There are no photos yet").waitFor();
  assert.equal(await page.getByRole("link", { name: "API keys" }).isVisible(), false);
});

browserTest("a webhook is made, told, and its delivery sent again", async (stage) => {
  const told: string[] = [];
  await using receiver = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      told.push(await request.text());
      return new Response();
    },
  );
  const page = await open(stage, "/console/webhooks");
  await signIn(page, stage.server.key);
  const form = page.locator("#webhook-form");
  await form.locator("[name=url]").fill(`http://127.0.0.1:${receiver.addr.port}/hook`);
  await form.getByRole("button").click();
  await page.locator(".secret code").waitFor();
  const bytes = await Deno.readFile(`${FIXTURES}plain.png`);
  await (await stage.server.upload(bytes)).json();
  await stage.server.settle();
  const show = page.getByRole("button", { name: /^Deliveries/ });
  const again = page.getByRole("button", { name: "Send again: image.done" });
  while (await again.count() === 0) await show.click();
  await again.click();
  await page.getByText("It is sent again").waitFor();
  assert.ok(told.some((message) => message.includes("image.done")));
}, () => ({ FETCH_ALLOWED_NETS: "127.0.0.0/8" }));

const surroundings = noBrowser ? null : startSurroundings();

browserTest("axe finds no violation, on any screen, in any size and colours", async (stage) => {
  const { default: axe } = await import("npm:axe-core@4.14.1");
  const { server } = stage;
  const ids: Record<string, string> = await furnish(server, surroundings!);
  const page = await open(stage, "/");
  await page.locator("#key").waitFor();
  await check(page, "sign-in");
  for (const master of [false, true]) {
    await page.evaluate((key) => {
      sessionStorage.setItem("imago.credentials", JSON.stringify({ kind: "key", key }));
    }, master ? server.adminKey : server.key);
    for (const { path, name, needs } of SCREENS) {
      if (needs !== "any" && (needs === "master") !== master) continue;
      await page.goto(path.replace(":id", ids[name] ?? ""));
      await page.locator("body[data-ready]").waitFor();
      await check(page, name);
    }
  }

  await page.evaluate((key) => {
    sessionStorage.setItem("imago.credentials", JSON.stringify({ kind: "key", key }));
  }, server.key);
  for (const { name, path, act } of MOMENTS) {
    await page.setViewportSize(SIZES.phone.viewport);
    await page.goto(path);
    await page.locator("body[data-ready]").waitFor();
    await act(page);
    await check(page, name);
  }

  /** In both sizes and both colours. */
  async function check(page: Page, name: string) {
    await page.evaluate(axe.source);
    for (const { viewport } of Object.values(SIZES)) {
      await page.setViewportSize(viewport);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        const where = `${name}, ${colorScheme}, ${viewport.width} px`;
        const { violations } = await page.evaluate(() => axe.run());
        const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`);
        assert.deepEqual(found, [], where);
        const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wider <= 0, `${where}: ${wider} px too wide`);
      }
    }
  }
}, () => surroundings!.env);
