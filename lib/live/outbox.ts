import type { Clock } from "../clock.ts";
import type { Frame } from "../frames.ts";

/** Bytes that may wait to be sent before more is held back. */
const FULL = 32_768;
/** A full one is looked at again so soon, and ever later while nothing moves. */
const LOOK_MS = { first: 5, last: 160 };

/** What a connection needs of a WebSocket. */
export interface Socket {
  /** Bytes that were given to `send` and that the network has not taken yet. */
  readonly bufferedAmount: number;
  send(text: string): void;
  /**
   * Says goodbye; who does not answer within `patienceMs` (5 s) is cut off. Again, it only shortens
   * that.
   */
  close(code: number, reason: string, patienceMs?: number): void;
}

/**
 * Sends no faster than the peer reads. Of pictures only the newest of each camera waits for room;
 * all else waits for `room` before it is sent, so that it is bounded by who sends it.
 */
export function createOutbox(socket: Socket, clock: Clock) {
  const frames = new Map<string, Frame>();
  const waiting = new Set<() => void>();
  let stopLooking: (() => void) | null = null;
  let sent = 0;
  let largest = 0;
  let takenBefore = 0;

  const isFull = () => socket.bufferedAmount > FULL;

  const send = (text: string) => {
    sent += text.length;
    largest = Math.max(largest, text.length);
    socket.send(text);
  };

  const flush = () => {
    for (const go of [...waiting]) go();
    for (const [camera, frame] of frames) {
      if (isFull()) break;
      frames.delete(camera);
      send(frame.json);
    }
  };

  const lookLater = (ms = LOOK_MS.first) => {
    if (stopLooking || (frames.size === 0 && waiting.size === 0)) return;
    stopLooking = clock.after(ms, () => {
      stopLooking = null;
      if (isFull()) return lookLater(Math.min(2 * ms, LOOK_MS.last));
      flush();
      lookLater();
    });
  };

  return {
    send,

    /** Sends an object as JSON. */
    tell(message: object) {
      send(JSON.stringify(message));
    },

    /** Resolves when there is room for more, or at the end. */
    room(signal: AbortSignal): Promise<void> {
      if (!isFull() || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const go = () => {
          waiting.delete(go);
          signal.removeEventListener("abort", go);
          resolve();
        };
        waiting.add(go);
        signal.addEventListener("abort", go);
        lookLater();
      });
    },

    /** Sends a camera's picture, now or in the place of an older one that still waits. */
    show(camera: string, frame: Frame) {
      frames.delete(camera);
      if (!isFull()) return send(frame.json);
      frames.set(camera, frame);
      lookLater();
    },

    /** Forgets the picture of a camera that still waits. */
    forget(camera: string) {
      frames.delete(camera);
    },

    /**
     * Bytes that sending may take: what waits is there twice, as it was given and as it goes out,
     * and room as for the largest message stays.
     */
    footprint: () => 3 * socket.bufferedAmount + 2 * largest,

    /** Whether the peer has taken nothing of what waits since this was last asked. */
    isStuck(): boolean {
      const waits = socket.bufferedAmount;
      const taken = sent - waits;
      const stuck = waits > 0 && taken <= takenBefore;
      takenBefore = taken;
      return stuck;
    },

    end() {
      stopLooking?.();
      frames.clear();
    },
  };
}

export type Outbox = ReturnType<typeof createOutbox>;
