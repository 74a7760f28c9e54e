/**
 * `waiting` for its turn, `sending`, `paused` by the reader, `taken` by the server, `refused` for
 * what it is, `broken` off on the way.
 * @typedef {"waiting" | "sending" | "paused" | "taken" | "refused" | "broken"} State
 *
 * @typedef {object} Upload
 * @property {File} file
 * @property {string} key the same for each try, so that the server takes it once
 * @property {State} state
 * @property {number} sent bytes
 * @property {unknown} error why it was refused or broke off
 * @property {string | null} image its id, once it is taken
 *
 * @typedef {object} Line how files get to the server
 * @property {(upload: Upload, onProgress: (sent: number) => void, signal: AbortSignal) => Promise<string>} send
 *   gives the image's id
 * @property {(error: unknown) => { again: boolean, afterMs: number | null }} judge whether trying
 *   again may help, and after what time it should be tried by itself
 * @property {(upload: Upload) => void} onChange
 * @property {number} [atOnce]
 */

/**
 * Files on their way to the server, a few at once, each of which can be paused and tried again.
 * @param {Line} line
 */
export function createUploads({ send, judge, onChange, atOnce = 3 }) {
  /** @type {Upload[]} */
  const all = [];
  /** @type {Map<Upload, AbortController>} */
  const underWay = new Map();
  /** Nothing is sent before this moment: the server asked for it. */
  let heldUntil = 0;

  /**
   * @param {Upload} upload
   * @param {Partial<Upload>} change
   */
  const change = (upload, change) => {
    Object.assign(upload, change);
    onChange(upload);
  };

  const work = () => {
    const wait = heldUntil - Date.now();
    if (wait > 0) return void setTimeout(work, wait);
    for (const upload of all) {
      if (underWay.size >= atOnce) return;
      if (upload.state === "waiting") void carry(upload);
    }
  };

  /** @param {Upload} upload */
  const carry = async (upload) => {
    const stop = new AbortController();
    underWay.set(upload, stop);
    change(upload, { state: "sending", sent: 0, error: null });
    try {
      const image = await send(upload, (sent) => change(upload, { sent }), stop.signal);
      change(upload, { state: "taken", sent: upload.file.size, image });
    } catch (error) {
      if (!stop.signal.aborted) settle(upload, error);
    } finally {
      underWay.delete(upload);
      work();
    }
  };

  /**
   * @param {Upload} upload
   * @param {unknown} error
   */
  const settle = (upload, error) => {
    const { again, afterMs } = judge(error);
    if (afterMs !== null) {
      heldUntil = Math.max(heldUntil, Date.now() + afterMs);
      return change(upload, { state: "waiting", sent: 0 });
    }
    change(upload, { state: again ? "broken" : "refused", sent: 0, error });
  };

  /** @param {State[]} states */
  const those = (...states) => all.filter(({ state }) => states.includes(state));

  return {
    all,

    /** @param {Iterable<File>} files */
    add(files) {
      for (const file of files) {
        /** @type {Upload} */
        const upload = {
          file,
          key: crypto.randomUUID(),
          state: "waiting",
          sent: 0,
          error: null,
          image: null,
        };
        all.push(upload);
        onChange(upload);
      }
      work();
    },

    /** @param {Upload} upload */
    pause(upload) {
      if (upload.state !== "waiting" && upload.state !== "sending") return;
      const stop = underWay.get(upload);
      change(upload, { state: "paused", sent: 0 });
      stop?.abort();
    },

    /**
     * Goes on with what is paused, and tries again what broke off or was refused.
     * @param {Upload} upload
     */
    resume(upload) {
      if (!["paused", "broken", "refused"].includes(upload.state)) return;
      change(upload, { state: "waiting", error: null });
      work();
    },

    pauseAll() {
      those("waiting", "sending").forEach(this.pause);
    },

    resumeAll() {
      those("paused").forEach(this.resume);
    },

    retryAll() {
      those("broken").forEach(this.resume);
    },
  };
}
