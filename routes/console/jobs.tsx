import { Table } from "./parts.tsx";
import type { Screen } from "./screen.ts";

const COUNTED = ["available", "running", "retryable", "scheduled"] as const;

/** The pipeline's work: how much waits, what runs, what gave up. */
export const jobs: Screen = {
  name: "jobs",
  path: "/console/jobs",
  title: "jobs.title",
  group: "admin",
  needs: "admin",
  Body: ({ t }) => (
    <div class="stack">
      <dl class="figures">
        {COUNTED.map((state) => (
          <div>
            <dt>{t(`job.${state}`)}</dt>
            <dd id={`count-${state}`}>–</dd>
          </div>
        ))}
      </dl>
      <section class="card" aria-labelledby="letters-title">
        <div class="between">
          <h2 id="letters-title">{t("jobs.letters")}</h2>
          <button type="button" id="replay-all" class="quiet" hidden>{t("jobs.replayAll")}</button>
        </div>
        <p class="hint">{t("jobs.lettersHint")}</p>
        <div id="letters" class="stack" />
        <p id="letters-empty" class="empty" hidden>{t("jobs.noLetters")}</p>
      </section>
      <section class="card" aria-labelledby="jobs-title">
        <h2 id="jobs-title">{t("jobs.latest")}</h2>
        <Table
          id="jobs"
          caption="jobs.latest"
          head={["jobs.photo", "jobs.state", "jobs.created", "jobs.steps"]}
          empty="jobs.none"
          t={t}
        />
      </section>
    </div>
  ),
};
