import { h, svg } from "./dom.js";
import { formatTime } from "./i18n.js";

const WIDTH = 480, HEIGHT = 132;

/**
 * @typedef {{ date: string, value: number | null }} Point
 */

/**
 * A bar for each day. Whoever cannot see it reads the table that it stands on.
 * @param {string} title
 * @param {Point[]} points
 * @param {(value: number) => string} format
 */
export function barChart(title, points, format) {
  const highest = Math.max(...points.map(({ value }) => value ?? 0), 0);
  const pitch = WIDTH / Math.max(points.length, 1);
  const bars = points.map(({ date, value }, place) => {
    const height = highest ? ((value ?? 0) / highest) * HEIGHT : 0;
    const bar = svg("rect", {
      x: place * pitch + pitch * 0.12,
      y: HEIGHT - height,
      width: pitch * 0.76,
      height,
      rx: Math.min(3, pitch / 4),
      class: "bar",
    });
    bar.append(svg("title", {}, `${dayOf(date)}: ${value === null ? "–" : format(value)}`));
    return bar;
  });
  const known = points.some(({ value }) => value !== null);
  const ends = [points[0], points.at(-1)].map((point) =>
    h("span", {}, point ? dayOf(point.date) : "")
  );
  return h(
    "figure",
    { class: "chart" },
    h("figcaption", {}, title, " ", h("span", { class: "hint" }, known ? format(highest) : "–")),
    svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" },
      svg("line", { x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT, class: "axis" }),
      bars,
    ),
    h("p", { class: "ticks", "aria-hidden": "true" }, ends),
    table(title, points, format),
  );
}

/**
 * @param {string} title
 * @param {Point[]} points
 * @param {(value: number) => string} format
 */
function table(title, points, format) {
  return h(
    "table",
    { class: "sr" },
    h("caption", {}, title),
    h(
      "tbody",
      {},
      points.map(({ date, value }) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, dayOf(date)),
          h("td", {}, value === null ? "–" : format(value)),
        )
      ),
    ),
  );
}

/** @param {string} date a day in UTC */
function dayOf(date) {
  return formatTime(date, { day: "numeric", month: "short", timeZone: "UTC" });
}
