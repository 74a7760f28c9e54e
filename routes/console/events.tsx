import { EventSeverity, EventType } from "../../lib/model/event.ts";
import type { Translate } from "./language.ts";
import { More } from "./parts.tsx";
import type { Screen } from "./screen.ts";

/** What cameras and others have seen, as it comes. */
export const events: Screen = {
  name: "events",
  path: "/console/events",
  title: "events.title",
  group: "watch",
  needs: "events:read",
  Body: ({ t }) => (
    <div class="stack">
      <dl class="figures">
        <div>
          <dt>{t("events.open")}</dt>
          <dd id="count-open">–</dd>
        </div>
        <div>
          <dt>{t("events.all")}</dt>
          <dd id="count-all">–</dd>
        </div>
      </dl>
      <form id="narrow" class="fields slim">
        <label id="by-camera" hidden>
          {t("events.camera")}
          <select name="camera_id">
            <option value="">{t("events.any")}</option>
          </select>
        </label>
        <label>
          {t("events.type")}
          <select name="type">
            <option value="">{t("events.any")}</option>
            {EventType.options.map((type) => <option value={type}>{t(`event.${type}`)}</option>)}
          </select>
        </label>
        <label>
          {t("events.severity")}
          <select name="severity">
            <option value="">{t("events.any")}</option>
            {EventSeverity.options.map((severity) => (
              <option value={severity}>{t(`severity.${severity}`)}</option>
            ))}
          </select>
        </label>
        <label>
          {t("events.state")}
          <select name="acknowledged">
            <option value="">{t("events.any")}</option>
            <option value="false">{t("events.unseen")}</option>
            <option value="true">{t("events.seen")}</option>
          </select>
        </label>
      </form>
      <EventList t={t} />
    </div>
  ),
};

/** The place of a list of events, and of word that there are newer ones. */
export function EventList({ t }: { t: Translate }) {
  return (
    <>
      <p class="center news" role="status">
        <button type="button" id="events-news" class="primary" hidden />
      </p>
      <ul id="events" class="events" aria-label={t("events.title")} />
      <More id="events" empty="events.empty" t={t} />
    </>
  );
}
