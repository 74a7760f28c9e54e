import type { Context } from "hono";

/**
 * A table as a CSV file (RFC 4180): the names of the first row's fields, then a line a row. What is
 * null is empty. For numbers and plain words alone: nothing is quoted.
 */
export function csv<Row extends Record<string, string | number | null>>(
  c: Context,
  name: string,
  rows: Row[],
) {
  const columns = Object.keys(rows[0] ?? {});
  const lines = rows.map((row) => columns.map((column) => row[column] ?? "").join(","));
  return c.body([columns.join(","), ...lines, ""].join("\r\n"), 200, {
    "Content-Type": "text/csv; charset=utf-8",
    "Content-Disposition": `attachment; filename="${name}.csv"`,
  });
}
