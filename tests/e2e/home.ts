/** A data folder that goes with its test. */
export async function makeHome() {
  const dataDir = await Deno.makeTempDir({ prefix: "imago-e2e-" });
  return { dataDir, [Symbol.asyncDispose]: () => Deno.remove(dataDir, { recursive: true }) };
}
