import { ask, get, send } from "../api.js";
import { byId, elementOf, fillWith, h } from "../dom.js";
import { attempt, confirmed } from "../feedback.js";
import { formatBytes, formatNumber, t } from "../i18n.js";
import { keep } from "../session.js";

/** @typedef {{ receipt_url: string, erased: { records: number, objects: number, bytes: number } }} Receipt */

/** @typedef {import("../../../../lib/model/retention.ts").RetentionTerm} RetentionTerm */

/** @param {import("../app.js").Me} me */
export async function start(me) {
  const name = me.tenant?.name ?? "";
  const works = { "export-button": takeOut, "erase-button": () => erase(name) };
  for (const [id, work] of Object.entries(works)) {
    const button = elementOf(id, HTMLButtonElement);
    button.addEventListener("click", () => void attempt(work, button));
  }
  await attempt(showRetention);
}

async function showRetention() {
  /** @type {{ items: RetentionTerm[] }} */
  const { items } = await get("/privacy/retention");
  fillWith(
    byId("retention"),
    items.map(({ what, keep_days }) => [
      h("dt", {}, t(`privacy.kept.${what}`)),
      h("dd", {}, formatNumber(keep_days, { style: "unit", unit: "day", unitDisplay: "long" })),
    ]),
  );
}

/** Saves the archive; it is fetched here, because a link could not prove who asks. */
async function takeOut() {
  byId("exported").textContent = t("privacy.exporting");
  const response = await ask("GET", "/privacy/export");
  const archive = await response.blob();
  const [, name = "imago-export.tar"] =
    /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "") ?? [];
  const link = h("a", { href: URL.createObjectURL(archive), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
  byId("exported").textContent = t("privacy.exported", { size: formatBytes(archive.size) });
}

/** @param {string} name */
async function erase(name) {
  const question = t("privacy.confirmErase", { name });
  if (!(await confirmed({ question, action: t("privacy.eraseNow"), word: name }))) return;
  /** @type {Receipt} */
  const { receipt_url, erased } = await send("POST", "/privacy/erase", { confirm: name });
  // The key that asked for it is gone too.
  keep(null);
  const words = {
    records: erased.records,
    objects: erased.objects,
    size: formatBytes(erased.bytes),
  };
  fillWith(
    byId("receipt"),
    h("p", {}, t("privacy.erased", words)),
    h("p", {}, h("a", { href: receipt_url }, t("privacy.receipt"))),
  );
}
