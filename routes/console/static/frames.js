/**
 * Pictures of cameras as they come, over one WebSocket for the page. It is open while a camera is
 * watched and the page is seen; when it breaks it comes back by itself.
 *
 * @typedef {Pick<WebSocket, "send" | "close" | "readyState" | "addEventListener">} Line
 * @typedef {(jpeg: string) => void} Watcher takes a picture, in base64
 */

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
const OPEN = 1;

/**
 * @param {object} options
 * @param {() => Promise<Line | null>} options.connect null when it is not allowed, and stays so
 * @param {(work: () => void, ms: number) => void} [options.later]
 */
export function createFrames({ connect, later = setTimeout }) {
  /** @type {Map<string, Set<Watcher>>} */
  const watchers = new Map();
  /** @type {Line | null} */
  let line = null;
  let opening = false;
  let forbidden = false;
  let resting = false;
  let wait = FIRST_WAIT_MS;

  const wanted = () => watchers.size > 0 && !resting && !forbidden;

  /**
   * @param {"subscribe" | "unsubscribe"} type
   * @param {Iterable<string>} cameras
   */
  const say = (type, cameras) => {
    const channels = Array.from(cameras, (id) => `camera_${id}`);
    if (line?.readyState === OPEN && channels.length) line.send(JSON.stringify({ type, channels }));
  };

  /** @param {string} text */
  const heed = (text) => {
    const { type, camera_id, data } = JSON.parse(text);
    if (type === "connected") {
      wait = FIRST_WAIT_MS;
      say("subscribe", watchers.keys());
    } else if (type === "frame_update") {
      for (const watcher of watchers.get(camera_id) ?? []) watcher(data);
    }
  };

  const comeBack = () => {
    later(() => void settle(), wait);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  };

  /** Opens or closes the line, as it is wanted. */
  const settle = async () => {
    if (!wanted()) {
      const old = line;
      line = null;
      old?.close();
    } else if (!line && !opening) {
      opening = true;
      const fresh = await connect().catch(() => undefined).finally(() => opening = false);
      if (fresh === undefined) return comeBack();
      forbidden = fresh === null;
      if (fresh) take(fresh);
    }
  };

  /** @param {Line} fresh */
  const take = (fresh) => {
    line = fresh;
    fresh.addEventListener("message", ({ data }) => heed(data));
    fresh.addEventListener("close", () => {
      // One that was closed here has been let go of before.
      if (line !== fresh) return;
      line = null;
      comeBack();
    });
    // Nobody watches any more: meanwhile they may have left.
    if (!wanted()) void settle();
  };

  return {
    /**
     * Hands over each picture of a camera from now on, until what it gives back is called.
     * @param {string} camera
     * @param {Watcher} watcher
     */
    watch(camera, watcher) {
      const mine = watchers.get(camera) ?? new Set();
      mine.add(watcher);
      if (!watchers.has(camera)) {
        watchers.set(camera, mine);
        say("subscribe", [camera]);
      }
      void settle();
      return () => {
        mine.delete(watcher);
        if (mine.size > 0 || watchers.get(camera) !== mine) return;
        watchers.delete(camera);
        say("unsubscribe", [camera]);
        void settle();
      };
    },

    /**
     * Lets the line go while nobody looks at the page.
     * @param {boolean} yes
     */
    rest(yes) {
      resting = yes;
      void settle();
    },
  };
}
