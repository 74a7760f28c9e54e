import { Card, ScopeBoxes, Table } from "./parts.tsx";
import type { Screen } from "./screen.ts";

/** The tenants of the installation, for its operator. */
export const clients: Screen = {
  name: "clients",
  path: "/console/clients",
  title: "clients.title",
  group: "admin",
  needs: "master",
  Body: ({ t }) => (
    <div class="stack">
      <Card id="new" title="clients.new" t={t}>
        <form id="client-form" class="form">
          <div class="fields">
            <label>
              {t("clients.name")}
              <input name="name" required maxlength={100} autocomplete="off" />
            </label>
            <label>
              {t("clients.plan")}
              <select name="plan">
                <option value="standard">{t("plan.standard")}</option>
                <option value="premium">{t("plan.premium")}</option>
              </select>
            </label>
            <label>
              {t("clients.quota")}
              <input name="quota_mb" type="number" min={0} placeholder={t("clients.byPlan")} />
            </label>
            <label>
              {t("clients.rateLimit")}
              <input name="rate_limit" type="number" min={1} placeholder={t("clients.standard")} />
            </label>
          </div>
          <label class="check">
            <input type="checkbox" name="external_ai" checked /> {t("clients.externalAi")}
          </label>
          <ScopeBoxes t={t} checked={["images:read", "images:write", "images:delete", "ai:use"]} />
          <p>
            <button type="submit" class="primary">{t("clients.create")}</button>
          </p>
        </form>
        <div id="secret" />
      </Card>
      <Card id="list" title="clients.title" t={t}>
        <Table
          id="clients"
          caption="clients.title"
          head={[
            "clients.name",
            "clients.plan",
            "clients.quota",
            "clients.state",
            "clients.actions",
          ]}
          empty="clients.empty"
          t={t}
        />
      </Card>
    </div>
  ),
};
