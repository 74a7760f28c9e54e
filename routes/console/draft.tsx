import type { Screen } from "./screen.ts";

/** One listing: its photos in order, its words, its price. */
export const draft: Screen = {
  name: "draft",
  path: "/console/drafts/:id",
  title: "draft.title",
  needs: "images:read",
  Body: ({ t }) => (
    <>
      <p>
        <a href="/console/drafts" id="back">{t("draft.back")}</a>
      </p>
      <div id="draft" class="stack">
        <section class="card" aria-labelledby="order-title">
          <div class="between">
            <h2 id="order-title">{t("draft.photos")}</h2>
            <span id="status" class="chip" />
          </div>
          <p class="hint">{t("draft.orderHint")}</p>
          <ol id="order" class="order" />
          <p id="moved" class="sr" role="status" />
        </section>
        <section class="card" aria-labelledby="words-title">
          <h2 id="words-title">{t("draft.words")}</h2>
          <form id="words" class="form">
            <label>
              {t("draft.name")}
              <input name="title" maxlength={160} autocomplete="off" />
            </label>
            <label>
              {t("draft.description")}
              <textarea name="description" maxlength={4000} rows={6} />
            </label>
            <label>
              {t("draft.price")}
              <input name="price_suggested" type="number" min={0} max={1_000_000} step="0.01" />
            </label>
            <p class="row">
              <button type="submit" class="primary">{t("draft.save")}</button>
              <button type="button" id="suggest">{t("draft.suggest")}</button>
              <button type="button" id="publish">{t("draft.publish")}</button>
              <button type="button" id="delete" class="danger">{t("draft.delete")}</button>
            </p>
          </form>
        </section>
      </div>
    </>
  ),
};
