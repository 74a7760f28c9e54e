import type { Translate } from "./language.ts";
import { Card, More } from "./parts.tsx";
import type { Screen } from "./screen.ts";

/** The tenant's cameras with what they see. */
export const cameras: Screen = {
  name: "cameras",
  path: "/console/cameras",
  title: "cameras.title",
  group: "watch",
  needs: "cameras:read",
  Body: ({ t }) => (
    <div class="stack">
      <p class="row end">
        <button type="button" id="still" class="quiet" aria-pressed="false">
          {t("cameras.still")}
        </button>
      </p>
      <ul id="cameras" class="cards cameras" aria-label={t("cameras.title")} />
      <More id="cameras" empty="cameras.empty" t={t} />
      <div id="adding" class="columns" hidden>
        <Card id="new" title="cameras.new" t={t}>
          <form id="camera-new" class="form">
            <CameraFields t={t} isNew />
            <p>
              <button type="submit" class="primary">{t("cameras.add")}</button>
            </p>
          </form>
        </Card>
        <section class="card" id="discover-card" aria-labelledby="discover-title" hidden>
          <h2 id="discover-title">{t("discover.title")}</h2>
          <p class="hint">{t("discover.hint")}</p>
          <p>
            <button type="button" id="discover" class="quiet">{t("discover.go")}</button>
          </p>
          <ul id="discovered" class="plain" aria-live="polite" />
        </section>
      </div>
    </div>
  ),
};

/** What can be said of a camera; of one that is there, the address is shown masked. */
export function CameraFields({ t, isNew = false }: { t: Translate; isNew?: boolean }) {
  return (
    <>
      <label>
        {t("cameras.name")}
        <input name="name" required maxlength={120} autocomplete="off" />
      </label>
      <div>
        <label for="url">{t("cameras.url")}</label>
        <input
          id="url"
          name="url"
          required={isNew}
          maxlength={2048}
          spellcheck={false}
          autocapitalize="off"
          autocomplete="off"
          aria-describedby="url-help"
        />
        <p id="url-help" class="hint">{t(isNew ? "cameras.urlHelp" : "cameras.urlKept")}</p>
      </div>
      <div class="fields">
        <label>
          {t("cameras.location")}
          <input name="location" maxlength={200} autocomplete="off" />
        </label>
        <label>
          {t("cameras.fps")}
          <input
            name="fps"
            type="number"
            required
            min={0.02}
            max={30}
            step="any"
            value="2"
            inputmode="decimal"
          />
        </label>
      </div>
    </>
  );
}
