import { Card } from "./parts.tsx";
import type { Screen } from "./screen.ts";

/** Taking everything out, and having everything erased. */
export const privacy: Screen = {
  name: "privacy",
  path: "/console/privacy",
  title: "privacy.title",
  group: "admin",
  needs: "admin",
  Body: ({ t }) => (
    <div class="stack">
      <Card id="retention" title="privacy.retention" t={t}>
        <p>{t("privacy.retentionHint")}</p>
        <dl id="retention" class="facts" />
      </Card>
      <Card id="export" title="privacy.export" t={t}>
        <p>{t("privacy.exportHint")}</p>
        <p>
          <button type="button" id="export-button" class="primary">{t("privacy.exportNow")}</button>
        </p>
        <p id="exported" class="hint" role="status" />
      </Card>
      <Card id="erase" title="privacy.erase" t={t}>
        <p>{t("privacy.eraseHint")}</p>
        <p>
          <button type="button" id="erase-button" class="danger">{t("privacy.eraseNow")}</button>
        </p>
        <div id="receipt" role="status" />
      </Card>
    </div>
  ),
};
