import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { parseAccept } from "hono/utils/accept";
import { z } from "zod";
import type { Env } from "../shared/app.ts";
import { fill, type Values } from "./static/messages.js";
import { en } from "./static/texts/en.js";
import { fr } from "./static/texts/fr.js";

const TEXTS = { en, fr };

export type Key = keyof typeof en;
/** The text of a key in the reader's language. */
export type Translate = (key: Key, values?: Values) => string;

const Language = z.enum(["en", "fr"]);
export type Language = z.infer<typeof Language>;
const Theme = z.enum(["auto", "light", "dark"]);

export type Preferences = { language: Language; theme: z.infer<typeof Theme> };

/** The languages by the names that their readers know them under. */
export const LANGUAGES: Record<Language, string> = { en: "English", fr: "Français" };

const A_YEAR_S = 365 * 24 * 60 * 60;

/** What the reader chose by `?lang=` and `?theme=`, now or earlier, or else what the browser says. */
export function preferencesOf(c: Context<Env>): Preferences {
  return {
    language: chosen(c, "lang", Language) ?? accepted(c) ?? "en",
    theme: chosen(c, "theme", Theme) ?? "auto",
  };
}

/** A choice of the reader, remembered in a cookie that tells nothing else. */
function chosen<T extends string>(c: Context<Env>, name: string, among: z.ZodType<T>) {
  const { data } = among.safeParse(c.req.query(name));
  if (data) {
    setCookie(c, name, data, { path: "/", maxAge: A_YEAR_S, sameSite: "Lax", httpOnly: true });
  }
  return data ?? among.safeParse(getCookie(c, name)).data;
}

function accepted(c: Context<Env>): Language | undefined {
  const wanted = parseAccept(c.req.header("Accept-Language") ?? "");
  return wanted.map(({ type }) => Language.safeParse(type.slice(0, 2).toLowerCase()).data)
    .find((language) => language);
}

export function translator(language: Language): Translate {
  return (key, values) => fill(language, TEXTS[language][key], values);
}
