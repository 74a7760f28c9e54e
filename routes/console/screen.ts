import type { Child } from "hono/jsx";
import type { Scope } from "../../lib/model/tenant.ts";
import type { Key, Preferences, Translate } from "./language.ts";

/** What the body of a screen is written with. */
export type ScreenProps = { t: Translate; preferences: Preferences };

/** One screen of the console: its page here, what it does in `static/screens/<name>.js`. */
export type Screen = {
  name: string;
  /** As Hono writes it: `/console/images/:id`. */
  path: string;
  title: Key;
  /** Where it stands in the menu; a screen without a group is reached from another one. */
  group?: Group;
  /** Who can use it: for whom it is shown in the menu. */
  needs: Scope | "master" | "any";
  /** Stands open to whoever comes, without signing in. */
  open?: boolean;
  Body: (props: ScreenProps) => Child;
};

/** The parts of the menu, in order. */
export const GROUPS = ["photos", "work", "watch", "admin"] as const;
export type Group = typeof GROUPS[number];
