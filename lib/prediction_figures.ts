import type { Database, Transaction } from "./kv.ts";
import type { DayFigures, FeedbackRow, Figures } from "./model/prediction.ts";
import { purgeUntil } from "./retention.ts";
import { tables } from "./tables.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Confidences are summed in millionths. */
const MICRO = 1_000_000;
/** One counter for each latency: `ms:87`. */
const LATENCY = "ms:";

/** Counters as read: name → value. */
type Counters = Map<string, number>;

/**
 * How a tenant's predictions went, by day (UTC), as counters that move in the transaction of what
 * they count. Latencies are counted one by one to the millisecond, above a second to three digits:
 * so their 95th percentile can be told exactly without keeping them.
 */
export function createPredictionFigures({ db }: { db: Database }) {
  const add = (tx: Transaction, tenant: string, day: string, figure: string, amount: number) =>
    tx.sum(tables.predictionFigures.key(tenant, day, figure), amount);

  const read = async (tenant: string, from: string, to: string) => {
    const days = new Map<string, Counters>();
    const entries = db.list<Deno.KvU64>({
      start: tables.predictionFigures.prefix(tenant, from),
      end: tables.predictionFigures.prefix(tenant, `${to}~`),
    });
    for await (const { key: [, , day, figure], value } of entries) {
      const counters = days.get(String(day)) ?? new Map();
      days.set(String(day), counters.set(String(figure), Number(value.value)));
    }
    return days;
  };

  return {
    predicted(tx: Transaction, tenant: string, at: string, ms: number) {
      add(tx, tenant, dayOf(at), "predictions", 1);
      add(tx, tenant, dayOf(at), "ms", ms);
      add(tx, tenant, dayOf(at), LATENCY + threeDigits(ms), 1);
    },

    failed(tx: Transaction, tenant: string, at: string) {
      add(tx, tenant, dayOf(at), "errors", 1);
    },

    /** Counts feedback; -1 takes back what was counted of it. */
    judged(tx: Transaction, row: FeedbackRow, times: 1 | -1) {
      const { tenant, created_at, feedback, resultat_prediction } = row;
      add(tx, tenant, dayOf(created_at), feedback, times);
      const micro = Math.round(resultat_prediction * MICRO);
      add(tx, tenant, dayOf(created_at), `${feedback}_confidence`, times * micro);
    },

    /** Forgets the days before the one of `before` (ms since 1970); gives how many counters went. */
    purge: (tenant: string, before: number) =>
      purgeUntil(db, tables.predictionFigures, tenant, dayOf(new Date(before).toISOString())),

    /** The last `count` days up to that of `now` (ms since 1970), oldest first, and all together. */
    async days(
      tenant: string,
      now: number,
      count: number,
    ): Promise<{ days: DayFigures[]; sum: Figures }> {
      const dates = Array.from(
        { length: count },
        (_, at) => dayOf(new Date(now - (count - 1 - at) * DAY_MS).toISOString()),
      );
      const known = await read(tenant, dates[0]!, dates.at(-1)!);
      const none: Counters = new Map();
      return {
        days: dates.map((date) => ({ date, ...figuresOf(known.get(date) ?? none) })),
        sum: figuresOf(together([...known.values()])),
      };
    },
  };
}

export type PredictionFigures = ReturnType<typeof createPredictionFigures>;

function dayOf(time: string): string {
  return time.slice(0, 10);
}

function threeDigits(ms: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, ms))) - 2);
  return Math.round(ms / step) * step;
}

function together(all: Counters[]): Counters {
  const sums: Counters = new Map();
  for (const counters of all) {
    for (const [name, value] of counters) sums.set(name, (sums.get(name) ?? 0) + value);
  }
  return sums;
}

function figuresOf(counters: Counters): Figures {
  const of = (name: string) => counters.get(name) ?? 0;
  const [predictions, errors] = [of("predictions"), of("errors")];
  const [positive, negative] = [of("positive"), of("negative")];
  return {
    predictions,
    errors,
    avg_latency_ms: share(of("ms"), predictions),
    p95_latency_ms: percentile(counters, 0.95),
    feedback: positive + negative,
    positive_rate: share(positive, positive + negative),
    error_rate: share(errors, predictions + errors),
    avg_confidence_positive: share(of("positive_confidence") / MICRO, positive),
    avg_confidence_negative: share(of("negative_confidence") / MICRO, negative),
  };
}

/** To six digits after the point: what is shown in JSON and CSV alike. */
function share(part: number, whole: number): number | null {
  return whole ? Math.round(part / whole * MICRO) / MICRO : null;
}

/** The nearest-rank percentile: the least latency that so many of all do not exceed. */
function percentile(counters: Counters, part: number): number | null {
  const latencies = [...counters].filter(([name]) => name.startsWith(LATENCY))
    .map(([name, count]) => ({ ms: Number(name.slice(LATENCY.length)), count }))
    .sort((a, b) => a.ms - b.ms);
  let left = Math.ceil(part * latencies.reduce((sum, { count }) => sum + count, 0));
  for (const { ms, count } of latencies) {
    left -= count;
    if (left <= 0) return ms;
  }
  return null;
}
