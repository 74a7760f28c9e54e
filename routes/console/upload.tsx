import type { Screen } from "./screen.ts";

const FORMATS = "JPEG, PNG, GIF, WebP, AVIF, TIFF, HEIC";

/** Hands in photos, and shows what becomes of each. */
export const upload: Screen = {
  name: "upload",
  path: "/",
  title: "upload.title",
  group: "photos",
  needs: "images:write",
  Body: ({ t }) => (
    <>
      <div id="drop" class="drop">
        <p class="drop-title">{t("upload.drop")}</p>
        <p class="hint">{t("upload.formats", { formats: FORMATS })}</p>
        <p class="row">
          <label class="button primary">
            {t("upload.choose")}
            <input id="files" type="file" accept="image/*,.heic,.heif" multiple class="sr" />
          </label>
          <label class="button phone-only">
            {t("upload.takePhoto")}
            <input id="camera" type="file" accept="image/*" capture="environment" class="sr" />
          </label>
        </p>
      </div>
      <section aria-labelledby="uploads-title">
        <div class="between">
          <h2 id="uploads-title">{t("upload.list")}</h2>
          <p class="row" id="queue-actions" hidden>
            <button type="button" id="pause-all" class="quiet">{t("upload.pauseAll")}</button>
            <button type="button" id="resume-all" class="quiet" hidden>
              {t("upload.resumeAll")}
            </button>
            <button type="button" id="retry-all" class="quiet" hidden>
              {t("upload.retryAll")}
            </button>
          </p>
        </div>
        <p id="overall" class="hint" role="status" />
        <p id="uploads-empty" class="empty">{t("upload.empty")}</p>
        <ul id="uploads" class="uploads" />
      </section>
    </>
  ),
};
