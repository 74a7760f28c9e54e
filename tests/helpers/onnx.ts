import { RUNTIME } from "../../lib/onnx/runtime.ts";

/** Whether what runs ONNX models is installed (`deno task install-onnx`). */
export async function hasOnnxRuntime(): Promise<boolean> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--cached-only", "--no-lock", `await import("${RUNTIME}/wasm")`],
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}
