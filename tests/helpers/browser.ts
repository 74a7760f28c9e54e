// deno-lint-ignore-file no-import-prefix -- named here, not in deno.json: a start does not fetch it
import type { Browser, Page } from "npm:playwright-core@1.65.1";

const CHROMIUM = "/usr/bin/chromium";
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--remote-debugging-port=0",
];

/**
 * Where there is no browser, or the test may not do everything (Playwright looks at `/proc`), the
 * tests that need one are shown as ignored.
 */
export const noBrowser = !(await isSeen(CHROMIUM) && await isSeen("/proc/sys"));

/** A real Chromium without a window, in a process group of its own that is ended with it. */
export async function startBrowser() {
  const { chromium } = await import("npm:playwright-core@1.65.1");
  const profile = await Deno.makeTempDir({ prefix: "imago-chromium-" });
  const child = new Deno.Command("setsid", {
    args: [CHROMIUM, ...FLAGS, `--user-data-dir=${profile}`, "about:blank"],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const browser: Browser = await chromium.connectOverCDP(await addressOf(child.stderr));

  return {
    /** A page of its own profile: nothing is signed in, the language is English. */
    async page(options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
      const context = await browser.newContext({ locale: "en", ...options });
      return await context.newPage();
    },

    async [Symbol.asyncDispose]() {
      await browser.close();
      Deno.kill(-child.pid, "SIGKILL");
      await child.status;
      await Deno.remove(profile, { recursive: true });
    },
  };
}

function isSeen(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}

/** The address that Chromium prints once it listens. */
async function addressOf(stderr: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  const found = Promise.withResolvers<string>();
  void (async () => {
    let printed = "";
    for await (const text of stderr.pipeThrough(new TextDecoderStream())) {
      printed += text;
      const address = /DevTools listening on (ws:\S+)/.exec(printed)?.[1];
      if (address) found.resolve(address);
    }
    found.reject(new Error(`Chromium did not start:\n${printed}`));
  })();
  return await found.promise;
}
