// deno-lint-ignore-file no-import-prefix -- see browser.ts
import type { Page } from "npm:playwright-core@1.65.1";

const FIXTURES = new URL("../fixtures/", import.meta.url).pathname;

/** What a screen shows once something was done there; on a furnished program, in any language. */
export type Moment = { name: string; path: string; act: (page: Page) => Promise<void> };

export const MOMENTS: readonly Moment[] = [
  {
    name: "menu",
    path: "/console/images",
    async act(page) {
      const button = page.locator(".menu-button");
      if (await button.isVisible()) await button.click();
    },
  },
  {
    name: "selection",
    path: "/console/images",
    async act(page) {
      await page.locator("#filters summary").click();
      await page.locator(".tile input").first().check();
      await page.locator("#selection").waitFor();
    },
  },
  {
    name: "dialog",
    path: "/console/privacy",
    async act(page) {
      await page.locator("#screen button.danger").click();
      await page.locator("dialog[open]").waitFor();
    },
  },
  {
    name: "answer",
    path: "/inference",
    async act(page) {
      await page.locator("#file").setInputFiles(`${FIXTURES}pets/cat.jpg`);
      await page.locator(".verdict").waitFor();
    },
  },
  {
    name: "uploads",
    path: "/",
    async act(page) {
      const files = ["camera.jpg", "plain.png", "README.md"].map((name) => FIXTURES + name);
      await page.locator("#files").setInputFiles(files);
      await page.locator('.upload [data-state="done"]').nth(1).waitFor();
    },
  },
  {
    name: "letters",
    path: "/console/jobs",
    act: (page) => page.locator("#letters summary").first().click(),
  },
  {
    name: "deliveries",
    path: "/console/webhooks",
    async act(page) {
      await page.locator("#webhooks button").first().click();
      await page.locator("#deliveries tr").first().waitFor();
    },
  },
  {
    name: "gone",
    path: "/console/cameras/0197a3f0-0000-7000-8000-000000000000",
    act: (page) => page.locator(".empty a").waitFor(),
  },
  {
    name: "offline",
    path: "/console/events",
    async act(page) {
      await page.evaluate(() => dispatchEvent(new Event("offline")));
      await page.locator("#offline").waitFor();
    },
  },
];
