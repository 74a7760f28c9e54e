import type { Cameras } from "./cameras.ts";
import type { Clock } from "./clock.ts";
import type { Events } from "./events.ts";
import type { Database } from "./kv.ts";
import { CameraStatus } from "./model/camera.ts";
import type { DashboardStats, PerformanceStats } from "./model/stats.ts";
import { Plan, type Tenant } from "./model/tenant.ts";
import type { PredictionFigures } from "./prediction_figures.ts";
import { countWaiting } from "./queue_depth.ts";
import type { Quotas } from "./quotas.ts";
import { tables } from "./tables.ts";
import type { UploadCounts } from "./upload_stats.ts";

/** Jobs of a tenant are counted so far, of either plan: its changes keep theirs. */
const MAX_WAITING = 1_000;

type Deps = {
  db: Database;
  clock: Clock;
  quotas: Quotas;
  uploadStats: UploadCounts;
  cameras: Pick<Cameras, "all">;
  events: Pick<Events, "stats">;
  predictionFigures: PredictionFigures;
};

/** A tenant's figures, put together from the counters that its parts keep. */
export function createStats(deps: Deps) {
  const { db, clock, quotas, uploadStats, cameras, events, predictionFigures } = deps;

  const queueOf = async (tenant: string) => {
    const depths = await Promise.all(
      Plan.options.map((plan) =>
        countWaiting(db, tables.jobsReady.prefix(plan, tenant), clock.now(), MAX_WAITING)
      ),
    );
    const running = await Array.fromAsync(db.list({ prefix: tables.jobsRunning.prefix(tenant) }));
    return {
      waiting: depths.reduce((sum, { due }) => sum + due, 0),
      later: depths.reduce((sum, { later }) => sum + later, 0),
      running: running.length,
      oldest_waiting_seconds: Math.max(...depths.map((depth) => depth.oldestDueSeconds)),
    };
  };

  return {
    /** What the tenant has, and what came in on each of the last `days` days (UTC). */
    async dashboard(tenant: Tenant, days: number): Promise<DashboardStats> {
      const { id } = tenant;
      const [by_status, quota, uploads, watched, seen, predicted] = await Promise.all([
        uploadStats.byStatus(id),
        quotas.read(tenant),
        uploadStats.read(id),
        cameras.all(id),
        events.stats(id, days),
        predictionFigures.days(id, clock.now(), days),
      ]);
      const uploaded = await uploadStats.byDay(id, seen.days[0]!.date);
      const states = watched.map(({ state }) => state.status);
      return {
        images: {
          total: Object.values(by_status).reduce((sum, count) => sum + count, 0),
          by_status,
          used_bytes: quota.used_bytes,
          limit_bytes: quota.limit_bytes,
        },
        uploads,
        cameras: { total: watched.length, by_status: tally(CameraStatus.options, states) },
        events: {
          total: seen.total,
          unacknowledged: seen.unacknowledged,
          by_severity: seen.by_severity,
        },
        days: seen.days.map(({ date, count }, at) => ({
          date,
          images: uploaded.get(date) ?? 0,
          events: count,
          predictions: predicted.days[at]!.predictions,
        })),
      };
    },

    /** How fast the tenant's pictures come, and are worked on. */
    async performance({ id }: Tenant): Promise<PerformanceStats> {
      const [watched, uploads, { sum }, queue] = await Promise.all([
        cameras.all(id),
        uploadStats.read(id),
        predictionFigures.days(id, clock.now(), 1),
        queueOf(id),
      ]);
      const active = watched.filter(({ state }) => state.status === "active")
        .map(({ row: { id, name }, state: { fps } }) => ({ id, name, fps }))
        .toSorted((a, b) => b.fps - a.fps);
      return {
        fps: Math.round(active.reduce((sum, { fps }) => sum + fps, 0) * 10) / 10,
        cameras: active,
        latency: {
          image_seconds: uploads.average_processing_time_seconds,
          prediction_ms: sum.avg_latency_ms,
          prediction_p95_ms: sum.p95_latency_ms,
        },
        queue,
      };
    },
  };
}

function tally<Name extends string>(names: readonly Name[], given: readonly Name[]) {
  const entries = names.map((name) => [name, given.filter((other) => other === name).length]);
  return Object.fromEntries(entries) as Record<Name, number>;
}
