import { type Picture, unique } from "./pictures.ts";
import { startProgram } from "./program.ts";
import type { Row, Size } from "./report.ts";

const FEW = 10;

/**
 * How long a tenant's ten images take while nobody else sends anything, and while another tenant has
 * just flooded the queue: turns among tenants should keep the second within twice the first.
 */
export async function measureFairness(
  pictures: Picture[],
  { floodImages }: Size,
  dataDir: string,
): Promise<Row[]> {
  await using server = await startProgram(dataDir);
  const small = pictures.toSorted((a, b) => a.megapixels - b.megapixels)[0]!;
  const client = async (name: string) => {
    const response = await fetch(`${server.base}/auth/clients`, {
      method: "POST",
      headers: { "X-API-Key": server.adminKey, "Content-Type": "application/json" },
      body: JSON.stringify({ name, quota_bytes: 1e12, rate_limit: 1e9 }),
    });
    const { api_key } = await response.json();
    return { "X-API-Key": String(api_key) };
  };
  const send = async (headers: HeadersInit): Promise<string> => {
    const body = new FormData();
    body.append("file", new File([unique(small)], small.name));
    const response = await fetch(`${server.base}/images/upload`, { method: "POST", headers, body });
    return (await response.json()).id;
  };
  const few = async (headers: HeadersInit): Promise<number> => {
    const began = performance.now();
    const ids = await Promise.all(Array.from({ length: FEW }, () => send(headers)));
    await Promise.all(
      ids.map((id) => settled(`${server.base}/images/${id}/status?wait=30`, headers)),
    );
    return performance.now() - began;
  };

  const [flooder, other] = [await client("flooder"), await client("other")];
  await few(other);
  const idle = await few(other);
  for (let sent = 0; sent < floodImages; sent += 20) {
    await Promise.all(Array.from({ length: 20 }, () => send(flooder)));
  }
  return [{
    what: `${FEW} images of a tenant, while another has ${floodImages} waiting`,
    value: await few(other),
    unit: "ms",
    yardstick: { what: "ms idle", value: idle },
    aim: "at most ×2",
  }];
}

async function settled(url: string, headers: HeadersInit): Promise<void> {
  for (;;) {
    const { done_at } = await (await fetch(url, { headers })).json();
    if (done_at) return;
  }
}
