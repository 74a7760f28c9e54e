import { More } from "./parts.tsx";
import type { Screen } from "./screen.ts";

/** Listings for a shop, from photos. */
export const drafts: Screen = {
  name: "drafts",
  path: "/console/drafts",
  title: "drafts.title",
  group: "work",
  needs: "images:read",
  Body: ({ t }) => (
    <>
      <section class="card" aria-labelledby="new-title">
        <h2 id="new-title">{t("drafts.new")}</h2>
        <p class="hint">{t("drafts.newHint")}</p>
        <form id="new-form" class="form">
          <label>
            {t("drafts.name")}
            <input name="title" maxlength={160} autocomplete="off" />
          </label>
          <label>
            {t("drafts.photos")}
            <input id="photos" name="files" type="file" accept="image/*,.heic,.heif" multiple />
          </label>
          <details>
            <summary>{t("drafts.fromWeb")}</summary>
            <label>
              {t("drafts.urls")}
              <textarea name="urls" rows={3} placeholder="https://" />
            </label>
          </details>
          <progress id="progress" max={1} hidden aria-label={t("drafts.progress")} />
          <p>
            <button type="submit" class="primary">{t("drafts.create")}</button>
          </p>
        </form>
      </section>
      <div class="between">
        <h2>{t("drafts.list")}</h2>
        <label class="check">
          {t("drafts.show")}
          <select id="status">
            <option value="">{t("drafts.all")}</option>
            <option value="draft">{t("draft.draft")}</option>
            <option value="published">{t("draft.published")}</option>
          </select>
        </label>
      </div>
      <ul id="drafts" class="cards" />
      <More id="drafts" empty="drafts.empty" t={t} />
    </>
  ),
};
