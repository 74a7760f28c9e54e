import { Card } from "./parts.tsx";
import type { Screen } from "./screen.ts";

/** Says what a picture shows, hears whether it was right, and shows how it went. */
export const predict: Screen = {
  name: "predict",
  path: "/inference",
  title: "predict.title",
  group: "work",
  needs: "ai:use",
  Body: ({ t }) => (
    <div class="stack">
      <div class="columns">
        <div id="drop" class="drop">
          <p class="drop-title">{t("predict.drop")}</p>
          <p class="hint">{t("predict.notKept")}</p>
          <p>
            <label class="button primary">
              {t("predict.choose")}
              <input id="file" type="file" accept="image/*,.heic,.heif" class="sr" />
            </label>
          </p>
          <details>
            <summary>{t("predict.others")}</summary>
            <label>
              {t("predict.labels")}
              <input id="labels" maxlength={500} placeholder={t("predict.labelsHint")} />
            </label>
          </details>
        </div>
        <Card id="answer" title="predict.answer" t={t}>
          <p id="nothing" class="hint">{t("predict.nothing")}</p>
          <div id="answer" role="status" />
          <div id="feedback" />
        </Card>
      </div>
      <section class="card" aria-labelledby="figures-title">
        <div class="between">
          <h2 id="figures-title">{t("predict.figures")}</h2>
          <p class="row">
            <label class="check">
              {t("predict.period")}
              <select id="days">
                <option value="7">{t("predict.week")}</option>
                <option value="30">{t("predict.month")}</option>
                <option value="90">{t("predict.quarter")}</option>
              </select>
            </label>
            <button type="button" id="csv" class="quiet">{t("predict.csv")}</button>
          </p>
        </div>
        <dl id="sums" class="figures" />
        <div id="charts" class="columns" />
      </section>
    </div>
  ),
};
