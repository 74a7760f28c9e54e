/**
 * Takes a picture of every screen of the console, with something in it and at some moments of its
 * use, in both sizes and both colours: `deno task look <folder> [--lang fr] [--only cameras,camera]`.
 */
// deno-lint-ignore-file no-import-prefix -- see tests/helpers/browser.ts
import type { Page } from "npm:playwright-core@1.65.1";
import { parseArgs } from "node:util";
import { SCREENS } from "../../routes/console/screens.ts";
import { startBrowser } from "../helpers/browser.ts";
import { furnish, startSurroundings } from "../helpers/furnished.ts";
import { MOMENTS } from "../helpers/moments.ts";
import { startServer } from "../helpers/server.ts";

const SIZES = {
  desk: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
};
/** Pictures come, charts are drawn. */
const SETTLE_MS = 700;

const { positionals, values } = parseArgs({
  args: Deno.args,
  allowPositionals: true,
  options: { lang: { type: "string", default: "en" }, only: { type: "string" } },
});
const folder = positionals[0] ?? "screenshots";
const only = values.only?.split(",");
const dataDir = await Deno.makeTempDir();
await Deno.mkdir(folder, { recursive: true });
try {
  await using surroundings = startSurroundings();
  await using server = await startServer({ dataDir, env: surroundings.env });
  const ids: Record<string, string> = await furnish(server, surroundings);
  await using browser = await startBrowser();
  for (const [size, options] of Object.entries(SIZES)) {
    const signedOut = await browser.page({ baseURL: server.base, ...options });
    await signedOut.goto(`/?lang=${values.lang}`);
    await shoot(signedOut, "sign_in", size);
    const page = await browser.page({ baseURL: server.base, ...options });
    await page.goto(`/?lang=${values.lang}`);
    for (const { name, path, needs } of SCREENS) {
      if (only && !only.includes(name)) continue;
      const masters = needs === "master" ? [true] : needs === "any" ? [false, true] : [false];
      for (const master of masters) {
        await signIn(page, master ? server.adminKey : server.key);
        await page.goto(path.replace(":id", ids[name] ?? ""));
        await page.locator("body[data-ready]").waitFor();
        await shoot(page, master ? `${name}_operator` : name, size);
      }
    }
    await signIn(page, server.key);
    for (const { name, path, act } of MOMENTS) {
      if (only && !only.includes(name)) continue;
      await page.goto(path);
      await page.locator("body[data-ready]").waitFor();
      await act(page);
      await shoot(page, name, size);
    }
  }
} finally {
  await Deno.remove(dataDir, { recursive: true });
}

async function signIn(page: Page, key: string) {
  await page.evaluate((key) => {
    sessionStorage.setItem("imago.credentials", JSON.stringify({ kind: "key", key }));
  }, key);
}

async function shoot(page: Page, name: string, size: string) {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(SETTLE_MS);
    await page.screenshot({ path: `${folder}/${name}-${size}-${colorScheme}.png`, fullPage: true });
  }
}
