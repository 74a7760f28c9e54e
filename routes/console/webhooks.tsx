import { Card, Table } from "./parts.tsx";
import type { Screen } from "./screen.ts";

/** Where the tenant's own programs are told what happens, and how that went. */
export const webhooks: Screen = {
  name: "webhooks",
  path: "/console/webhooks",
  title: "webhooks.title",
  group: "admin",
  needs: "admin",
  Body: ({ t }) => (
    <div class="stack">
      <Card id="new" title="webhooks.new" t={t}>
        <form id="webhook-form" class="form">
          <div class="fields">
            <label>
              {t("webhooks.url")}
              <input name="url" type="url" required maxlength={2000} placeholder="https://" />
            </label>
            <label>
              {t("webhooks.types")}
              <input name="types" required value="image.*, event.*" />
            </label>
          </div>
          <p>
            <button type="submit" class="primary">{t("webhooks.create")}</button>
          </p>
        </form>
        <div id="secret" />
      </Card>
      <Card id="list" title="webhooks.title" t={t}>
        <Table
          id="webhooks"
          caption="webhooks.title"
          head={["webhooks.url", "webhooks.types", "webhooks.state", "webhooks.actions"]}
          empty="webhooks.empty"
          t={t}
        />
      </Card>
      <div id="of-one" hidden>
        <Card id="deliveries" title="webhooks.deliveries" t={t}>
          <p id="whose" class="hint" />
          <Table
            id="deliveries"
            caption="webhooks.deliveries"
            head={[
              "webhooks.at",
              "webhooks.type",
              "webhooks.state",
              "webhooks.tries",
              "webhooks.actions",
            ]}
            empty="webhooks.none"
            t={t}
          />
        </Card>
      </div>
    </div>
  ),
};
