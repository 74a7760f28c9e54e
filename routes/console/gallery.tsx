import type { Screen } from "./screen.ts";

const STATUSES = ["pending", "processing", "done", "partial", "failed"] as const;

/** All photos of the tenant, to search, narrow, and act on. */
export const gallery: Screen = {
  name: "gallery",
  path: "/console/images",
  title: "gallery.title",
  group: "photos",
  needs: "images:read",
  Body: ({ t }) => (
    <>
      <form id="search" class="search" role="search">
        <label for="text" class="sr">{t("gallery.search")}</label>
        <input
          id="text"
          name="text"
          type="search"
          maxlength={200}
          placeholder={t("gallery.searchHint")}
          autocomplete="off"
        />
        <button type="submit" class="primary">{t("gallery.find")}</button>
        <details id="filters">
          <summary>
            {t("gallery.filters")} <span id="filter-count" class="count" />
          </summary>
          <div class="fields">
            <label>
              {t("gallery.status")}
              <select name="status">
                <option value="">{t("gallery.any")}</option>
                {STATUSES.map((status) => <option value={status}>{t(`status.${status}`)}</option>)}
              </select>
            </label>
            <label>
              {t("gallery.tag")}
              <input name="tag" list="tags" maxlength={100} autocomplete="off" />
              <datalist id="tags" />
            </label>
            <label>
              {t("gallery.camera")}
              <input name="camera" maxlength={100} autocomplete="off" />
            </label>
            <label id="by-camera" hidden>
              {t("gallery.watched")}
              <select name="camera_id">
                <option value="">{t("gallery.any")}</option>
              </select>
            </label>
            <label>
              {t("gallery.name")}
              <input name="original_name" maxlength={255} autocomplete="off" />
            </label>
            <label>
              {t("gallery.from")}
              <input name="from" type="date" />
            </label>
            <label>
              {t("gallery.to")}
              <input name="to" type="date" />
            </label>
            <label class="check">
              <input name="has_gps" type="checkbox" value="true" /> {t("gallery.hasGps")}
            </label>
            <label class="check">
              <input name="has_text" type="checkbox" value="true" /> {t("gallery.hasText")}
            </label>
            <button type="reset" class="quiet">{t("gallery.clear")}</button>
          </div>
        </details>
      </form>
      <div class="between">
        <p id="found" class="hint" role="status" />
        <div id="quota" class="quota" hidden>
          <label for="quota-meter" id="quota-text" />
          <meter id="quota-meter" min={0} max={100} high={85} optimum={0} />
        </div>
      </div>
      <div
        id="selection"
        class="selection"
        role="toolbar"
        aria-label={t("gallery.selection")}
        hidden
      >
        <span id="selected" role="status" />
        <button type="button" id="select-all" class="quiet">{t("gallery.selectLoaded")}</button>
        <button type="button" id="reprocess" class="quiet">{t("gallery.reprocess")}</button>
        <button type="button" id="delete" class="danger">{t("gallery.delete")}</button>
        <button type="button" id="select-none" class="quiet">{t("gallery.selectNone")}</button>
      </div>
      <p class="center">
        <button type="button" id="news" class="primary" hidden />
      </p>
      <div id="empty" class="empty" hidden>
        <p>{t("gallery.empty")}</p>
        <p>
          <a class="button primary" href="/">{t("gallery.goUpload")}</a>
        </p>
      </div>
      <p id="nothing" class="empty" hidden>{t("gallery.nothing")}</p>
      <div id="grid" class="grid-space">
        <ul id="tiles" class="tiles" aria-label={t("gallery.title")} aria-describedby="grid-help" />
      </div>
      <p id="grid-help" class="sr">{t("gallery.keys")}</p>
    </>
  ),
};
