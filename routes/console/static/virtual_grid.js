/** Rows that are drawn above and below what is seen. */
const SPARE_ROWS = 3;

/**
 * A grid of equal tiles of which only those near the window are in the page: their number depends
 * on the window, not on the list.
 * @param {object} options
 * @param {HTMLElement} options.space as high as the whole list
 * @param {HTMLElement} options.tiles holds the tiles that are drawn
 * @param {() => number} options.count items in all
 * @param {(index: number) => HTMLElement} options.draw
 * @param {(from: number, to: number) => void} options.onRange tells which items are drawn
 */
export function createVirtualGrid({ space, tiles, count, draw, onRange }) {
  /** @type {number | null} */
  let planned = null;
  let from = 0, to = 0;
  /** @type {Map<number, HTMLElement>} */
  const drawn = new Map();
  /** The items are not what they were: what is drawn does not stay. */
  let stale = false;

  const measure = () => {
    const style = getComputedStyle(space);
    const side = parseFloat(style.getPropertyValue("--tile-px"));
    const gap = parseFloat(style.getPropertyValue("--gap-px"));
    const columns = Math.max(1, Math.floor((space.clientWidth + gap) / (side + gap)));
    const width = (space.clientWidth - (columns - 1) * gap) / columns;
    return { columns, pitch: width + gap };
  };

  const layOut = () => {
    planned = null;
    const { columns, pitch } = measure();
    const rows = Math.ceil(count() / columns);
    const top = -space.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(top / pitch) - SPARE_ROWS);
    const last = Math.max(first, Math.ceil((top + innerHeight) / pitch) + SPARE_ROWS);
    space.style.height = `${rows * pitch}px`;
    tiles.style.setProperty("--columns", String(columns));
    tiles.style.transform = `translateY(${first * pitch}px)`;
    from = first * columns;
    to = Math.min(count(), last * columns);
    const focused = indexOf(document.activeElement);
    drawRange();
    if (focused !== null && indexOf(document.activeElement) !== focused) focusOn(focused);
    onRange(from, last * columns);
  };

  /** Draws what has come into the range; what stays in it is left alone. */
  const drawRange = () => {
    for (const [index, tile] of drawn) {
      if (!stale && index >= from && index < to) continue;
      tile.remove();
      drawn.delete(index);
    }
    stale = false;
    let before = tiles.firstElementChild;
    for (let index = from; index < to; index++) {
      const known = drawn.get(index);
      if (known) before = known.nextElementSibling;
      else {
        const tile = draw(index);
        tile.dataset.index = String(index);
        tiles.insertBefore(tile, before);
        drawn.set(index, tile);
      }
    }
  };

  const plan = () => void (planned ??= requestAnimationFrame(layOut));

  /** @param {Element | null} element */
  const indexOf = (element) => {
    const tile = element?.closest("[data-index]");
    return tile instanceof HTMLElement && tiles.contains(tile) ? Number(tile.dataset.index) : null;
  };

  /** @param {number} index */
  const focusOn = (index) => {
    const link = tiles.querySelector(`[data-index="${index}"] a`);
    if (link instanceof HTMLElement) link.focus({ preventScroll: true });
  };

  /**
   * Goes to another tile, which may be out of sight.
   * @param {number} index
   */
  const goTo = (index) => {
    if (index < 0 || index >= count()) return;
    const { columns, pitch } = measure();
    const top = space.getBoundingClientRect().top + Math.floor(index / columns) * pitch;
    if (top < 0 || top + pitch > innerHeight) scrollBy(0, top - innerHeight / 2 + pitch / 2);
    layOut();
    focusOn(index);
  };

  addEventListener("scroll", plan, { passive: true });
  new ResizeObserver(plan).observe(space);
  tiles.addEventListener("keydown", (event) => {
    const index = indexOf(document.activeElement);
    if (index === null) return;
    const { columns } = measure();
    /** @type {Record<string, number>} */
    const ways = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    const way = ways[event.key];
    if (way === undefined) return;
    event.preventDefault();
    goTo(index + way);
  });

  return {
    layOut,
    indexOf,

    /** Draws everything anew, soon: the items have changed. */
    redraw() {
      stale = true;
      plan();
    },
  };
}
