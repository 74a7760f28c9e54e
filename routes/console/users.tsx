import { Card, ScopeBoxes, Table } from "./parts.tsx";
import type { Screen } from "./screen.ts";

/** The people who sign in for the tenant. */
export const users: Screen = {
  name: "users",
  path: "/console/users",
  title: "users.title",
  group: "admin",
  needs: "admin",
  Body: ({ t }) => (
    <div class="stack">
      <Card id="new" title="users.new" t={t}>
        <form id="user-new" class="form">
          <div class="fields">
            <label>
              {t("users.name")}
              <input name="username" required minlength={3} maxlength={64} autocomplete="off" />
            </label>
            <label>
              {t("users.password")}
              <input
                name="password"
                type="password"
                required
                minlength={8}
                maxlength={256}
                autocomplete="new-password"
              />
            </label>
          </div>
          <ScopeBoxes t={t} checked={["images:read"]} />
          <p>
            <button type="submit" class="primary">{t("users.create")}</button>
          </p>
        </form>
      </Card>
      <Card id="list" title="users.title" t={t}>
        <Table
          id="users"
          caption="users.title"
          head={["users.name", "scopes.title", "users.state", "users.login", "users.actions"]}
          empty="users.empty"
          t={t}
        />
      </Card>
    </div>
  ),
};
