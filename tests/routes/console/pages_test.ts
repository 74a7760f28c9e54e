import assert from "node:assert/strict";
import { startApp, type TestApp } from "../../helpers/app.ts";
import { SCREENS } from "../../../routes/console/screens.ts";

const HTML = { Accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

async function page(app: TestApp, path: string, headers: Record<string, string> = {}) {
  const response = await app.app.request(path, { headers: { ...HTML, ...headers } });
  return { response, html: await response.text() };
}

const addressOf = (path: string) => path.replace(":id", crypto.randomUUID());

Deno.test("/ is app info for programs and the upload page for browsers", async () => {
  await using app = await startApp();
  const { name, docs } = await (await app.app.request("/")).json();
  assert.deepEqual([name, docs], ["Imago", "/docs"]);
  const { response, html } = await page(app, "/");
  assert.equal(response.headers.get("Content-Type"), "text/html; charset=UTF-8");
  assert.match(response.headers.get("Vary")!, /Accept/);
  assert.match(html, /^<!doctype html><html lang="en"/);
  assert.match(html, /<h1>Upload photos<\/h1>/);
});

Deno.test("every screen is a page that allows no script, style or address but the program's own", async () => {
  await using app = await startApp();
  for (const { path } of SCREENS) {
    const { response, html } = await page(app, addressOf(path));
    assert.equal(response.status, 200, path);
    const policy = response.headers.get("Content-Security-Policy")!;
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'/);
    assert.doesNotMatch(policy, /unsafe|https:/);
    assert.doesNotMatch(html, /<script(?![^>]+src=)|<style|\sstyle=|\son\w+=|https?:\/\/\w/, path);
  }
});

Deno.test("a page is in the language that was chosen, or else in the browser's", async () => {
  await using app = await startApp();
  const language = (html: string) => /<html lang="(\w+)"/.exec(html)?.[1];
  const french = { "Accept-Language": "de, fr-CA;q=0.8, en;q=0.5" };
  assert.equal(language((await page(app, "/", french)).html), "fr");
  const { response, html } = await page(app, "/?lang=en", french);
  assert.equal(language(html), "en");
  const cookie = response.headers.get("Set-Cookie")!;
  assert.match(cookie, /^lang=en; .*HttpOnly; SameSite=Lax/);
  assert.equal(language((await page(app, "/", { ...french, Cookie: "lang=en" })).html), "en");
  const odd = await page(app, "/?lang=xx&theme=pink", { Cookie: "lang=<script>" });
  assert.equal(language(odd.html), "en");
  assert.equal(odd.response.headers.get("Set-Cookie"), null);
});

Deno.test("a page is in the colours that were chosen", async () => {
  await using app = await startApp();
  assert.match((await page(app, "/")).html, /data-theme="auto"/);
  assert.match((await page(app, "/?theme=dark")).html, /data-theme="dark"/);
  assert.match((await page(app, "/", { Cookie: "theme=light" })).html, /data-theme="light"/);
});

Deno.test("a file of the console is kept for good under its version, and only there", async () => {
  await using app = await startApp();
  const { html } = await page(app, "/");
  const script = /<script type="module" src="([^"]+)"/.exec(html)![1]!;
  const current = await app.app.request(script);
  assert.equal(current.headers.get("Cache-Control"), "public, max-age=31536000, immutable");
  assert.equal(current.headers.get("Content-Type"), "text/javascript; charset=utf-8");
  await current.body?.cancel();
  const other = await app.app.request("/static/000000000000/app.js");
  assert.deepEqual([other.status, other.headers.get("Cache-Control")], [200, "no-cache"]);
  await other.body?.cancel();
  for (const path of ["/static/0/none.js", "/static/0/../mod.tsx", "/static/0/%2e%2e/mod.tsx"]) {
    assert.equal((await app.app.request(path)).status, 404, path);
  }
});

Deno.test("the first page and all that it loads is under 100 kB gzipped", async () => {
  await using app = await startApp();
  const { html } = await page(app, "/");
  const paths = new Set(
    [...html.matchAll(/(?:href|src)="(\/static[^"]+)"/g)].map(([, path]) => path!),
  );
  let sent = await gzipped(new TextEncoder().encode(html));
  for (const path of paths) {
    const response = await app.app.request(path, { headers: { "Accept-Encoding": "gzip" } });
    assert.equal(response.headers.get("Content-Encoding"), "gzip", path);
    const bytes = await response.bytes();
    sent += bytes.length;
    const text = await new Response(
      new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")),
    ).text();
    for (const [, name] of text.matchAll(/from "(\.[^"]+)"/g)) {
      paths.add(new URL(name!, `http://x${path}`).pathname);
    }
  }
  assert.ok(paths.size > 8, "the modules were followed");
  assert.ok(sent < 100_000, `${sent} bytes`);
});

async function gzipped(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(packed).bytes()).length;
}
