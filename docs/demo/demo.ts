/** `deno task demo`: starts Imago on a temporary folder, sends a sample photo, prints what came back. */

const folder = await Deno.makeTempDir({ prefix: "imago-demo-" });
const server = new Deno.Command(Deno.execPath(), {
  args: ["task", "-q", "start"],
  env: { DATA_DIR: folder, HOST: "127.0.0.1", PORT: "0", LOG_LEVEL: "info" },
  stdout: "piped",
}).spawn();

try {
  const { base, key } = await started(server.stdout);
  const headers = { "X-API-Key": key };
  const body = new FormData();
  const photo = await Deno.readFile(new URL("./photo.jpg", import.meta.url));
  body.append("file", new File([photo], "photo.jpg"));
  const upload = await fetch(`${base}/images/upload`, { method: "POST", headers, body });
  if (!upload.ok) throw new Error(await upload.text());
  const { id } = await upload.json();
  await settled(`${base}/images/${id}/status?wait=30`, headers);
  const image = await (await fetch(`${base}/images/${id}`, { headers })).json();
  // deno-lint-ignore no-console -- its output is its purpose
  console.log(JSON.stringify(image, null, 2));
} finally {
  server.kill("SIGTERM");
  await server.status;
  await Deno.remove(folder, { recursive: true });
}

/** Reads what the start prints, until it knows address and key; then lets the rest run by. */
async function started(
  output: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<{ base: string; key: string }> {
  let printed = "";
  const reader = output.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`Imago did not start:\n${printed}`);
    printed += value;
    const key = printed.match(/^api_key=(\S+)/m)?.[1];
    const port = printed.match(/Listening on http:\/\/[^:]+:(\d+)/)?.[1];
    if (!key || !port) continue;
    void drain(reader);
    return { base: `http://127.0.0.1:${port}`, key };
  }
}

async function drain(reader: ReadableStreamDefaultReader<string>): Promise<void> {
  while (!(await reader.read()).done);
}

async function settled(url: string, headers: HeadersInit): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    const { done_at } = await (await fetch(url, { headers })).json();
    if (done_at) return;
  }
  throw new Error("The image is not settled after ten minutes");
}
