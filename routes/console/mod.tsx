import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { compress } from "hono/compress";
import type { Services } from "../../lib/services.ts";
import { createRouter, type Env } from "../shared/app.ts";
import { createAssets } from "./assets.ts";
import { preferencesOf, translator } from "./language.ts";
import { Layout } from "./layout.tsx";
import type { Screen } from "./screen.ts";
import { SCREENS } from "./screens.ts";

/** The web pages: every screen at its path, and the files that they load. */
export function createConsole({ config }: Pick<Services, "config">) {
  const assets = createAssets();
  const policy = contentPolicy(config.MEDIA_BASE_URL);

  const show = (c: Context<Env>, screen: Screen) => {
    const preferences = preferencesOf(c);
    const t = translator(preferences.language);
    const { Body } = screen;
    c.header("Content-Security-Policy", policy);
    c.header("Cache-Control", "no-cache");
    c.header("Vary", "Accept, Accept-Language, Cookie");
    const page = (
      <Layout {...{ screen, screens: SCREENS, assets, preferences, t }}>
        <Body {...{ t, preferences }} />
      </Layout>
    );
    return c.html(`<!doctype html>${page}`);
  };

  const router = createRouter();
  router.use("/static/*", compress());
  router.get("/static/:version/*", assets.serve);
  for (const screen of SCREENS) {
    if (screen.path !== "/") router.get(screen.path, (c) => show(c, screen));
  }
  return {
    router,
    assets,
    /** The screen of a path that programs ask for too. */
    home: (c: Context<Env>) => show(c, SCREENS.find(({ path }) => path === "/")!),
  };
}

/** Whether the caller would rather have a page than JSON. */
export function wantsPage(c: Context<Env>): boolean {
  const supports = ["application/json", "text/html"];
  return accepts(c, { header: "Accept", supports, default: "application/json" }) === "text/html";
}

/** Nothing inline, nothing from elsewhere but shop photos, where these have an address of their own. */
function contentPolicy(mediaBaseUrl: string): string {
  const pictures = /^https?:/.test(mediaBaseUrl) ? ` ${new URL(mediaBaseUrl).origin}` : "";
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' blob: data:${pictures}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join("; ");
}
