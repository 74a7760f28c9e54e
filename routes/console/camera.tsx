import { CameraFields } from "./cameras.tsx";
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
      <div class="photo-page">
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
          <p id="reason" class="notice" hidden />
          <Card id="figures" title="cameras.figures" t={t}>
            <dl id="figures" class="facts" />
          </Card>
        </div>
        <div class="stack">
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
              <p class="row">
                <button type="submit" class="primary">{t("cameras.save")}</button>
                <button type="button" id="delete" class="danger">{t("cameras.delete")}</button>
              </p>
            </form>
          </section>
        </div>
      </div>
    </>
  ),
};
