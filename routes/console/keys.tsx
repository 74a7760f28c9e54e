import { Card, ScopeBoxes, Table } from "./parts.tsx";
import type { Screen } from "./screen.ts";

/** The API keys of the tenant. */
export const keys: Screen = {
  name: "keys",
  path: "/console/keys",
  title: "keys.title",
  group: "admin",
  needs: "admin",
  Body: ({ t }) => (
    <div class="stack">
      <Card id="new" title="keys.new" t={t}>
        <form id="key-new" class="form">
          <div class="fields">
            <label>
              {t("keys.name")}
              <input name="name" required maxlength={100} autocomplete="off" />
            </label>
            <label>
              {t("keys.expires")}
              <input name="expires" type="date" />
            </label>
          </div>
          <ScopeBoxes t={t} checked={["images:read"]} />
          <p>
            <button type="submit" class="primary">{t("keys.create")}</button>
          </p>
        </form>
        <div id="secret" />
      </Card>
      <Card id="list" title="keys.title" t={t}>
        <Table
          id="keys"
          caption="keys.title"
          head={[
            "keys.name",
            "keys.hint",
            "scopes.title",
            "keys.used",
            "keys.expires",
            "keys.actions",
          ]}
          empty="keys.empty"
          t={t}
        />
      </Card>
    </div>
  ),
};
