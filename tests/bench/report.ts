/** How much is measured. */
export type Size = {
  /** Pictures of the main rounds, of the slower portable engine, and of the memory round. */
  images: number;
  portableImages: number;
  memoryImages: number;
  /** What one tenant has waiting while another sends a few. */
  floodImages: number;
  /** Pictures of 20 MB in the export. */
  exportImages: number;
  /** How long a rate is measured. */
  seconds: number;
};

/** One figure, and the yardstick of the same run that it is held against. */
export type Row = {
  what: string;
  value: number | null;
  unit: string;
  /** What was measured beside it. */
  yardstick?: { what: string; value: number };
  /** What it should be, in words. */
  aim?: string;
};

/** A section of the report as text, in columns. */
export function showTable(title: string, rows: Row[]): string {
  const cells = rows.map(({ what, value, unit, yardstick, aim }) => [
    what,
    `${show(value)} ${unit}`,
    yardstick ? `${show(yardstick.value)} ${yardstick.what}` : "",
    yardstick && value !== null ? `×${show(value / yardstick.value)}` : "",
    aim ?? "",
  ]);
  const table = [[title, "measured", "beside", "ratio", "aim"], ...cells];
  const widths = table[0]!.map((_, at) => Math.max(...table.map((line) => line[at]!.length)));
  const text = table.map((line) => line.map((cell, at) => cell.padEnd(widths[at]!)).join("  "));
  return `\n${text.map((line) => line.trimEnd()).join("\n")}`;
}

/** The value below which a share `q` (0..1) of the samples lies: nearest rank. */
export function quantile(samples: number[], q: number): number | null {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? null;
}

function show(value: number | null): string {
  if (value === null) return "–";
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toFixed(digits);
}
