import { Hono } from "hono";

/** A server in a process of its own whose one route does nothing: what HTTP alone costs. */
export async function startBaseline() {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-qA", "--cached-only", import.meta.url],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  return {
    url: new TextDecoder().decode(value).trim(),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await Promise.all([reader.cancel(), child.status]);
    },
  };
}

if (import.meta.main) {
  const app = new Hono().get("/", (c) => c.json({}));
  Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen({ port }) {
      // deno-lint-ignore no-console -- the answer to the process that started it
      console.log(`http://127.0.0.1:${port}/`);
    },
  }, app.fetch);
}
