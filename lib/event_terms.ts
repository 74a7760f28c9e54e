import { type EventRow, EventSeverity, type EventStats, EventType } from "./model/event.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const MAX_CAMERAS = 1_000;

type Facts = Pick<
  EventRow,
  "camera_id" | "type" | "severity" | "acknowledged" | "image_id" | "occurred_at"
>;

/** Under which terms an event is found and counted, or which ones a filter asks for. */
export function factsOf(event: Partial<Facts>): string[] {
  const { camera_id, type, severity, acknowledged, image_id, occurred_at } = event;
  return [
    ...(camera_id ? [termOfCamera(camera_id)] : []),
    ...(type ? [`type:${type}`] : []),
    ...(severity ? [`severity:${severity}`] : []),
    ...(acknowledged === undefined ? [] : [`acknowledged:${acknowledged ? "yes" : "no"}`]),
    ...(image_id ? [`image:${image_id}`] : []),
    ...(occurred_at ? [`day:${occurred_at.slice(0, 10)}`] : []),
  ];
}

/** What a camera's events stand under. */
export function termOfCamera(id: string): string {
  return `camera:${id}`;
}

/** Everything is counted, but how many events show an image. */
export function isCounted(term: string): boolean {
  return !term.startsWith("image:");
}

/** Statistics from what is counted under each term. */
export function countsOf(counts: Map<string, number>, now: number, days: number): EventStats {
  const of = (term: string) => counts.get(term) ?? 0;
  const unacknowledged = of("acknowledged:no");
  return {
    total: unacknowledged + of("acknowledged:yes"),
    unacknowledged,
    by_type: tally(EventType.options, (type) => of(`type:${type}`)),
    by_severity: tally(EventSeverity.options, (severity) => of(`severity:${severity}`)),
    by_camera: camerasOf(counts),
    days: Array.from({ length: days }, (_, at) => {
      const date = new Date(now - (days - 1 - at) * DAY_MS).toISOString().slice(0, 10);
      return { date, count: of(`day:${date}`) };
    }),
  };
}

function camerasOf(counts: Map<string, number>) {
  return [...counts].filter(([term, count]) => term.startsWith("camera:") && count > 0)
    .map(([term, count]) => ({ camera_id: term.slice("camera:".length), count }))
    .toSorted((a, b) => b.count - a.count).slice(0, MAX_CAMERAS);
}

function tally<Name extends string>(names: readonly Name[], count: (name: Name) => number) {
  const entries = names.map((name) => [name, count(name)]);
  return Object.fromEntries(entries) as Record<Name, number>;
}
