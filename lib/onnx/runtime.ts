/**
 * onnxruntime-web, which `deno task install-onnx` fetches: it is 139 MB, and who runs no model of
 * their own need not wait for it. So it stands in no import map, and what is used of it is told here
 * (https://onnxruntime.ai/docs/api/js).
 */
export const RUNTIME = "npm:onnxruntime-web@1.30.0";

type TensorType = "float32" | "uint8";
export type OnnxTensor = {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
};
type Shape = { name: string; isTensor: boolean; type: string; shape: (number | string)[] };
export type Session = {
  inputMetadata: Shape[];
  outputMetadata: Shape[];
  run(feeds: Record<string, OnnxTensor>): Promise<Record<string, OnnxTensor>>;
};
export type Runtime = {
  env: { wasm: { numThreads: number; wasmBinary?: Uint8Array } };
  InferenceSession: { create(model: Uint8Array): Promise<Session> };
  Tensor: new (
    type: TensorType,
    data: Float32Array | Uint8Array,
    dims: readonly number[],
  ) => OnnxTensor;
};

/** Loads the runtime; rejects where it is not installed. One thread: the pool is the parallelism. */
export async function loadRuntime(): Promise<Runtime> {
  const runtime: Runtime = await import(`${RUNTIME}/wasm`);
  const wasm = import.meta.resolve(`${RUNTIME}/ort-wasm-simd-threaded.wasm`);
  runtime.env.wasm.numThreads = 1;
  runtime.env.wasm.wasmBinary = await Deno.readFile(new URL(wasm));
  return runtime;
}
