import type { Screen } from "./screen.ts";

const LIFETIMES = [[3600, "hour"], [86_400, "day"], [604_800, "week"]] as const;
const STEPS = ["renditions", "exif", "ocr", "vision"] as const;

/** Everything that is known of one photo, as it becomes known. */
export const image: Screen = {
  name: "image",
  path: "/console/images/:id",
  title: "image.title",
  needs: "images:read",
  Body: ({ t }) => (
    <>
      <p>
        <a href="/console/images" id="back">{t("image.back")}</a>
      </p>
      <div class="photo-page">
        <figure id="picture" class="picture" />
        <div class="stack">
          <section class="card" aria-labelledby="steps-title">
            <div class="between">
              <h2 id="steps-title">{t("image.steps")}</h2>
              <span id="status" class="chip" role="status" />
            </div>
            <ol id="steps" class="timeline" />
          </section>
          <section class="card" aria-labelledby="seen-title">
            <h2 id="seen-title">{t("image.seen")}</h2>
            <div id="seen" />
          </section>
          <section class="card" aria-labelledby="text-title">
            <div class="between">
              <h2 id="text-title">{t("image.text")}</h2>
              <button type="button" id="copy-text" class="quiet" hidden>{t("action.copy")}</button>
            </div>
            <div id="text" />
          </section>
          <section class="card" aria-labelledby="facts-title">
            <h2 id="facts-title">{t("image.facts")}</h2>
            <dl id="facts" class="facts" />
          </section>
          <section class="card" aria-labelledby="similar-title" id="similar-card" hidden>
            <h2 id="similar-title">{t("image.similar")}</h2>
            <ul id="similar" class="similar" />
          </section>
          <section class="card" aria-labelledby="links-title">
            <h2 id="links-title">{t("image.links")}</h2>
            <p class="hint">{t("image.linksHint")}</p>
            <form id="link-form" class="fields">
              <label>
                {t("image.linkOf")}
                <select name="of">
                  <option value="original">{t("image.original")}</option>
                  <option value="medium">{t("image.medium")}</option>
                  <option value="small">{t("image.small")}</option>
                </select>
              </label>
              <label>
                {t("image.linkFor")}
                <select name="seconds">
                  {LIFETIMES.map(([seconds, name]) => (
                    <option value={String(seconds)}>{t(`image.${name}`)}</option>
                  ))}
                </select>
              </label>
              <button type="submit" class="primary">{t("image.makeLink")}</button>
            </form>
            <div id="link" />
          </section>
          <section class="card" aria-labelledby="again-title">
            <h2 id="again-title">{t("image.again")}</h2>
            <form id="again-form">
              <fieldset class="row">
                <legend class="hint">{t("image.againHint")}</legend>
                {STEPS.map((step) => (
                  <label class="check">
                    <input type="checkbox" name="steps" value={step} checked /> {t(`step.${step}`)}
                  </label>
                ))}
              </fieldset>
              <p class="row">
                <button type="submit">{t("image.reprocess")}</button>
                <button type="button" id="delete" class="danger">{t("image.delete")}</button>
              </p>
            </form>
          </section>
        </div>
      </div>
    </>
  ),
};
