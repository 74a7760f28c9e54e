import { Table } from "./parts.tsx";
import type { Screen } from "./screen.ts";

/** Who did which admin operation on the tenant. */
export const audit: Screen = {
  name: "audit",
  path: "/console/audit",
  title: "audit.title",
  group: "admin",
  needs: "admin",
  Body: ({ t }) => (
    <div class="card">
      <Table
        id="entries"
        caption="audit.title"
        head={["audit.at", "audit.actor", "audit.action", "audit.subject", "audit.details"]}
        empty="audit.empty"
        t={t}
      />
    </div>
  ),
};
