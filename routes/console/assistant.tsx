import { Card } from "./parts.tsx";
import type { Screen } from "./screen.ts";

/** What a model writes when asked: summaries of pages, drafts of tasks. */
export const assistant: Screen = {
  name: "assistant",
  path: "/console/assistant",
  title: "assistant.title",
  group: "work",
  needs: "ai:use",
  Body: ({ t }) => (
    <div class="columns">
      <Card id="summary" title="assistant.summary" t={t}>
        <form id="summary-form" class="form">
          <label>
            {t("assistant.url")}
            <input name="url" type="url" required maxlength={2000} placeholder="https://" />
          </label>
          <label>
            {t("assistant.language")}
            <input name="language" maxlength={40} value={t("assistant.ownLanguage")} />
          </label>
          <p>
            <button type="submit" class="primary">{t("assistant.summarize")}</button>
          </p>
        </form>
        <div id="summary-answer" role="status" />
      </Card>
      <Card id="task" title="assistant.task" t={t}>
        <form id="task-form" class="form">
          <label>
            {t("assistant.description")}
            <textarea name="description" required maxlength={10_000} rows={4} />
          </label>
          <label>
            {t("assistant.context")}
            <textarea name="context" maxlength={10_000} rows={2} />
          </label>
          <p>
            <button type="submit" class="primary">{t("assistant.draft")}</button>
          </p>
        </form>
        <div id="task-answer" role="status" />
      </Card>
    </div>
  ),
};
