import { CameraFields } from "./cameras.tsx";
import type { Translate } from "./language.ts";
import { Card } from "./parts.tsx";
import { EventList } from "./events.tsx";
import type { Screen } from "./screen.ts";

/** One camera: what it sees now, how it does, what it has seen, its settings. */
export const camera: Screen = {
  name: "camera",
  path: "/console/cameras/:id",
  title: "cameras.one",
  needs: "cameras:read",
  Body: ({ t }) => (
    <>
      <p>
        <a href="/console/cameras" id="back">{t("cameras.back")}</a>
      </p>
      <div class="photo-page camera-page">
        <div class="stack">
          <div class="between">
            <p id="state" role="status" />
            <p class="row">
              <button type="button" id="still" class="quiet" aria-pressed="false">
                {t("cameras.still")}
              </button>
              <span id="switch" />
            </p>
          </div>
          <div id="live" />
          <div id="reason" class="notice" hidden />
          <Card id="figures" title="cameras.figures" t={t}>
            <dl id="figures" class="facts" />
          </Card>
        </div>
        <section class="card" id="seen-card" aria-labelledby="seen-title" hidden>
          <div class="between">
            <h2 id="seen-title">{t("events.title")}</h2>
            <p class="row">
              <a id="all-events" href="/console/events">{t("cameras.allEvents")}</a>
              <a id="all-photos" href="/console/images">{t("cameras.allPhotos")}</a>
            </p>
          </div>
          <EventList t={t} />
        </section>
        <section class="card" id="settings" aria-labelledby="settings-title" hidden>
          <h2 id="settings-title">{t("cameras.settings")}</h2>
          <form id="camera-form" class="form">
            <CameraFields t={t} />
            <SeeingFields t={t} />
            <p class="row">
              <button type="submit" class="primary">{t("cameras.save")}</button>
              <button type="button" id="delete" class="danger">{t("cameras.delete")}</button>
            </p>
          </form>
        </section>
      </div>
    </>
  ),
};

const DETECT = ["none", "provider", "model"] as const;

/** What a camera is to look for; zones and rules are rows that `camera_seeing.js` makes. */
function SeeingFields({ t }: { t: Translate }) {
  return (
    <fieldset class="stack">
      <legend>{t("seeing.title")}</legend>
      <label class="check">
        <input type="checkbox" id="motion" name="motion" /> {t("seeing.motion")}
      </label>
      <div class="fields">
        <label>
          {t("seeing.minArea")}
          <input id="min-area" type="number" min={0.05} max={100} step="any" required />
        </label>
        <label>
          {t("seeing.cooldown")}
          <input id="cooldown" type="number" min={0} max={86_400} step="any" required />
        </label>
        <label>
          {t("seeing.detect")}
          <select id="detect">
            {DETECT.map((value) => <option value={value}>{t(`seeing.detect.${value}`)}</option>)}
          </select>
        </label>
        <label>
          {t("seeing.keepEvery")}
          <input id="keep-every" type="number" min={1} max={86_400} step={1} />
        </label>
      </div>
      <h3 id="zones-title">{t("seeing.zones")}</h3>
      <p class="hint">{t("seeing.zonesHint")}</p>
      <ul id="zones" class="plain" aria-labelledby="zones-title" />
      <p>
        <button type="button" id="add-zone" class="quiet">{t("seeing.addZone")}</button>
      </p>
      <h3 id="rules-title">{t("seeing.rules")}</h3>
      <p class="hint">{t("seeing.rulesHint")}</p>
      <ol id="rules" class="plain" aria-labelledby="rules-title" />
      <p>
        <button type="button" id="add-rule" class="quiet">{t("seeing.addRule")}</button>
      </p>
    </fieldset>
  );
}
