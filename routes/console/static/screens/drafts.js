import { send } from "../api.js";
import { elementOf, formById, h, show } from "../dom.js";
import { attempt, chip, onSubmit } from "../feedback.js";
import { formatNumber, t } from "../i18n.js";
import { createPages } from "../pages.js";
import { sendForm } from "../send_file.js";

/** @typedef {import("../../../../lib/model/draft.ts").Draft} Draft */

const status = elementOf("status", HTMLSelectElement);
const progress = elementOf("progress", HTMLProgressElement);

/** @type {ReturnType<typeof createPages<Draft>>} */
const list = createPages({
  id: "drafts",
  path: "/api/v1/listings",
  query: () => ({ status: status.value }),
  draw,
});

export async function start() {
  status.addEventListener("change", () => void attempt(list.load));
  onSubmit(formById("new-form"), create);
  await attempt(list.load);
}

/** @param {FormData} form */
async function create(form) {
  const title = String(form.get("title") ?? "").trim();
  const urls = String(form.get("urls") ?? "").split(/\s+/).filter(Boolean);
  /** @type {Draft} */
  const draft = urls.length
    ? await send("POST", "/api/v1/ingest/photos", { urls, title })
    : await sendPhotos(form, title);
  location.assign(`/console/drafts/${draft.id}`);
}

/**
 * @param {FormData} form
 * @param {string} title
 * @returns {Promise<Draft>}
 */
async function sendPhotos(form, title) {
  const body = new FormData();
  let size = 0;
  for (const file of form.getAll("files")) {
    if (!(file instanceof File) || file.size === 0) continue;
    body.append("files", file);
    size += file.size;
  }
  body.append("title", title);
  show(progress);
  try {
    const onProgress = (/** @type {number} */ sent) => progress.value = Math.min(1, sent / size);
    return await sendForm("/api/v1/ingest/upload", body, { onProgress, key: crypto.randomUUID() });
  } finally {
    show(progress, false);
  }
}

/** @param {Draft} draft */
function draw({ id, title, status, price_suggested, photos }) {
  const name = title || t("draft.unnamed");
  const first = photos[0]?.media;
  return h(
    "li",
    { class: "card" },
    h(
      "a",
      { href: `/console/drafts/${id}`, class: "cover" },
      first ? h("img", { src: first.url, alt: "", loading: "lazy" }) : null,
      h("strong", {}, name),
    ),
    h(
      "p",
      { class: "between" },
      chip(status, t(`draft.${status}`)),
      h("span", { class: "hint" }, [
        t("draft.photoCount", { count: photos.length }),
        price_suggested === null ? "" : ` · ${formatNumber(price_suggested)}`,
      ]),
    ),
  );
}
