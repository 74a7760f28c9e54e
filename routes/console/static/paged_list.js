/**
 * A long list that is read page by page, of which only the pages near the reader's place are held.
 * Pages that were seen are known by cursor and length, so that the place can be found again.
 *
 * @template {{ id: string }} T
 * @typedef {{ cursor: string, length: number, last: string, items: T[] | null }} Page
 */

/**
 * @template {{ id: string }} T
 * @param {object} options
 * @param {(cursor: string) => Promise<{ items: T[], next_cursor: string | null }>} options.read
 * @param {number} [options.keep] so many pages are held at most
 */
export function createPagedList({ read, keep = 6 }) {
  /** @type {Page<T>[]} */
  let pages = [];
  /** @type {string | null} */
  let next = "";
  /** @type {Promise<unknown> | null} */
  let extending = null;

  const total = () => pages.reduce((sum, { length }) => sum + length, 0);

  /** Reads on behind the last page; an empty page may still have a next one. */
  const extend = async () => {
    if (next === null) return;
    const cursor = next;
    const { items, next_cursor } = await read(cursor);
    const last = items.at(-1)?.id;
    if (last) pages.push({ cursor, length: items.length, last, items });
    next = next_cursor;
  };

  /** @param {Page<T>} page */
  const reload = async (page) => {
    const { items } = await read(page.cursor);
    // What is older than its last item stands on the next page: some of its own were deleted.
    page.items = items.filter(({ id }) => id >= page.last);
    page.length = page.items.length;
  };

  /**
   * @param {number} index of an item
   * @returns {[page: Page<T>, offset: number] | null}
   */
  const locate = (index) => {
    let before = 0;
    for (const page of pages) {
      if (index < before + page.length) return [page, index - before];
      before += page.length;
    }
    return null;
  };

  return {
    /** So many items are known of. */
    get total() {
      return total();
    },

    /** Nothing is known to follow. */
    get complete() {
      return next === null;
    },

    /** @param {number} index */
    at(index) {
      const [page, offset] = locate(index) ?? [];
      return page?.items?.[offset ?? 0] ?? null;
    },

    /** Every item that is held. */
    held: () => pages.flatMap(({ items }) => items ?? []),

    /**
     * Makes sure that the items of a range are held, and lets go of pages that are far from it.
     * @param {number} from
     * @param {number} to
     */
    async ensure(from, to) {
      while (next !== null && total() < to) {
        await (extending ??= extend().finally(() => extending = null));
      }
      const wanted = new Set();
      for (let index = from; index < Math.min(to, total()); index++) {
        wanted.add(locate(index)?.[0]);
      }
      for (const page of wanted) if (page && !page.items) await reload(page);
      let held = pages.filter(({ items }) => items).length;
      for (const page of pages) {
        if (held > keep && page.items && !wanted.has(page)) {
          page.items = null;
          held--;
        }
      }
    },

    /**
     * Puts an item in the place of the one that it is a newer state of.
     * @param {T} item
     */
    replace(item) {
      for (const { items } of pages) {
        const place = items?.findIndex(({ id }) => id === item.id) ?? -1;
        if (items && place >= 0) items[place] = item;
      }
    },

    /** @param {string} id */
    remove(id) {
      for (const page of pages) {
        if (!page.items?.some((item) => item.id === id)) continue;
        page.items = page.items.filter((item) => item.id !== id);
        page.length = page.items.length;
      }
    },

    /** What another visit needs to find the place again. */
    outline: () => ({ next, pages: pages.map((page) => ({ ...page, items: null })) }),

    /** @param {{ next: string | null, pages: Page<T>[] }} outline */
    restore(outline) {
      next = outline.next;
      pages = outline.pages;
    },
  };
}
