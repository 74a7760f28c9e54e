import { address, get } from "./api.js";
import { byId, elementOf, show } from "./dom.js";
import { attempt } from "./feedback.js";

/**
 * A list that comes page by page, with a button for more of it: the elements that `Table` and `More`
 * put on the page under this id.
 * @template T
 * @param {object} options
 * @param {string} options.id
 * @param {string | (() => string)} options.path
 * @param {() => Record<string, string>} [options.query]
 * @param {(item: T) => Element | null} options.draw
 */
export function createPages({ id, path, query = () => ({}), draw }) {
  const rows = byId(id);
  const more = elementOf(`${id}-more`, HTMLButtonElement);
  let next = "";
  /** So that an answer to an earlier question is not mixed in. */
  let round = 0;

  const read = async () => {
    const current = round;
    /** @type {{ items: T[], next_cursor?: string | null }} */
    const { items, next_cursor } = await get(
      address(typeof path === "string" ? path : path(), { ...query(), cursor: next }),
    ).finally(() => show(byId(`${id}-loading`), false));
    if (current !== round) return;
    if (next === "") rows.replaceChildren();
    const drawn = items.map(draw).filter((row) => row !== null);
    for (const row of drawn) if (row instanceof HTMLTableRowElement) label(row, rows);
    rows.append(...drawn);
    next = next_cursor ?? "";
    show(more, next !== "");
    show(byId(`${id}-empty`), !rows.firstChild);
  };
  more.addEventListener("click", () => void attempt(read, more));

  return {
    /** Whether there is more than what is shown. */
    get more() {
      return next !== "";
    },

    /** Reads the list from its beginning. */
    async load() {
      round++;
      next = "";
      await read();
    },
  };
}

/**
 * Names the cells of a row by their columns, for where the row is no line of a table any more.
 * @param {HTMLTableRowElement} row
 * @param {HTMLElement} rows
 */
function label(row, rows) {
  const heads = rows.closest("table")?.tHead?.rows[0]?.cells ?? [];
  row.role = "row";
  for (const [place, cell] of [...row.cells].entries()) {
    cell.role = cell.tagName === "TH" ? "rowheader" : "cell";
    cell.dataset.label = heads[place]?.textContent ?? "";
  }
}
