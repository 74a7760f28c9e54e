import type { Child } from "hono/jsx";
import { Scope } from "../../lib/model/tenant.ts";
import type { Key, Translate } from "./language.ts";

type WithTexts = { t: Translate };

/** A titled part of a screen. */
export function Card({ id, title, t, children }: WithTexts & {
  id: string;
  title: Key;
  children?: Child;
}) {
  return (
    <section class="card" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{t(title)}</h2>
      {children}
    </section>
  );
}

/**
 * A table that `pages.js` fills, page by page; `empty` stands there when nothing does. On a phone
 * each row stands as a block of its own, which the roles keep a row.
 */
export function Table({ id, caption, head, empty, t }: WithTexts & {
  id: string;
  caption: Key;
  head: Key[];
  empty: Key;
}) {
  return (
    <>
      <div class="scroll" role="group" aria-label={t(caption)} tabindex={0}>
        <table role="table" class="rows">
          <thead role="rowgroup">
            <tr role="row">
              {head.map((key) => <th scope="col" role="columnheader">{t(key)}</th>)}
            </tr>
          </thead>
          <tbody id={id} role="rowgroup" />
        </table>
      </div>
      <More {...{ id, empty, t }} />
    </>
  );
}

/** What stands below a list that comes page by page. */
export function More({ id, empty, t }: WithTexts & { id: string; empty: Key }) {
  return (
    <>
      <p id={`${id}-loading`} class="hint" role="status">{t("action.loading")}</p>
      <p id={`${id}-empty`} class="empty" hidden>{t(empty)}</p>
      <p class="center">
        <button type="button" id={`${id}-more`} class="quiet" hidden>{t("action.more")}</button>
      </p>
    </>
  );
}

/** A box for each right that a key or a user can have. */
export function ScopeBoxes({ t, checked }: WithTexts & { checked: readonly Scope[] }) {
  return (
    <fieldset>
      <legend>{t("scopes.title")}</legend>
      <div class="boxes">
        {Scope.options.map((scope) => (
          <label class="check">
            <input
              type="checkbox"
              name="scopes"
              value={scope}
              checked={checked.includes(scope)}
            />
            {t(`scope.${scope}`)}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
