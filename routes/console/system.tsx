import { Card, Table } from "./parts.tsx";
import type { Screen } from "./screen.ts";

/** What this installation is and how it is; for its operator, how it is set up. */
export const system: Screen = {
  name: "system",
  path: "/info",
  title: "system.title",
  group: "admin",
  needs: "any",
  open: true,
  Body: ({ t }) => (
    <div class="stack">
      <section class="card" aria-labelledby="health-title">
        <div class="between">
          <h2 id="health-title">{t("system.health")}</h2>
          <span id="health" class="chip" role="status" />
        </div>
        <p id="version" class="hint" />
        <ul id="parts" class="parts" />
      </section>
      <div id="configuration" hidden>
        <Card id="settings" title="system.settings" t={t}>
          <p class="hint">{t("system.settingsHint")}</p>
          <Table
            id="items"
            caption="system.settings"
            head={["system.variable", "system.value", "system.meaning"]}
            empty="system.none"
            t={t}
          />
        </Card>
      </div>
    </div>
  ),
};
