import type { Clock } from "../clock.ts";

const MB = 1_048_576;
/** How often memory is looked at. */
const LOOK_MS = 50;
/** Growth beyond which somebody is suspected. */
const ALARM_BYTES = 64 * MB;
/** The heap gives its pages back late: it counts with its largest size in so many looks. */
const HEAP_LOOKS = 200;
/** Who is asked answers within so many looks: time in which we could not listen does not count. */
const ANSWER_LOOKS = 10;
/** Memory that moves less than this from one round of asking to the next is no client's doing. */
const STEADY_BYTES = 8 * MB;

type Deps = {
  clock: Pick<Clock, "after">;
  /** Memory of this process, in bytes. */
  measure: () => { rss: number; heapTotal: number; external: number };
  /** What connections and what is sent to them may take, in bytes. */
  expected: () => number;
  /** Asks everybody to say something. */
  askAll: () => void;
  /** Ends those who have said nothing since they were asked. */
  endSilent: () => void;
  /** Ends those who have never said anything. */
  endMute: () => void;
};

/**
 * Ends connections whose unfinished messages fill the memory. Deno puts the parts of a message
 * together, however many, before it tells of the first byte; it has no limit for that, and nothing
 * shows it but the growth of the process. Whoever is in the middle of a message can send no other:
 * so when memory grows everybody is asked to say something, and who does not, goes. Who is not
 * guilty loses nothing but a reconnection. What neither falls nor grows by that is no client's
 * doing, and counts no more.
 */
export function createMemoryGuard({ clock, measure, expected, askAll, endSilent, endMute }: Deps) {
  const heaps: number[] = [];
  let lowest = Infinity;
  /** As large without any client's doing. */
  let innocent = 0;
  /** Looks since everybody was asked. */
  let asked: number | null = null;
  let lastRound = -Infinity;
  let cancel: (() => void) | null = null;

  /** What is neither JavaScript's heap nor its buffers. */
  const native = (): number => {
    const { rss, heapTotal, external } = measure();
    heaps.push(heapTotal);
    if (heaps.length > HEAP_LOOKS) heaps.shift();
    return rss - Math.max(...heaps) - external;
  };

  const endRound = (bytes: number) => {
    if (Math.abs(bytes - lastRound) < STEADY_BYTES) innocent = Math.max(innocent, bytes);
    lastRound = bytes;
    endSilent();
    asked = null;
  };

  const look = () => {
    cancel = clock.after(LOOK_MS, look);
    let bytes = native();
    lowest = Math.min(lowest, bytes);
    const alarm = Math.max(lowest, innocent) + ALARM_BYTES;
    // Adding it up costs more than the look.
    if (bytes > alarm) bytes -= expected();
    if (bytes <= alarm) {
      asked = null;
      lastRound = -Infinity;
      return;
    }
    endMute();
    if (asked === null) {
      asked = 0;
      askAll();
    } else if (++asked >= ANSWER_LOOKS) endRound(bytes);
  };

  return {
    /** Looks from now on. */
    start() {
      if (!cancel) look();
    },

    stop() {
      cancel?.();
      cancel = null;
      asked = null;
    },
  };
}
