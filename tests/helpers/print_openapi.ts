/** Prints the OpenAPI document, for `deno task lint:openapi`. */
import { startApp } from "./app.ts";

const app = await startApp();
// deno-lint-ignore no-console -- its output is its purpose
console.log(await (await app.request("/openapi.json", {}, "")).text());
await app[Symbol.asyncDispose]();
Deno.exit(0);
