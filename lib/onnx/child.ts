import { type ChildAnswer, type ChildJob, serve } from "../sandbox_child.ts";
import { type Preparation, prepare, shapeOf } from "./input.ts";
import { loadRuntime } from "./runtime.ts";

/** What the parent asks for; it builds these itself, so they are not checked again here. */
export type OnnxRequest =
  & { path: string }
  & (
    | { kind: "about" }
    /** The body holds RGB pixels. */
    | { kind: "run"; width: number; height: number; preparation: Preparation }
  );

let opened: ReturnType<typeof open> | undefined;

async function open(path: string) {
  const runtime = await loadRuntime();
  const session = await runtime.InferenceSession.create(await Deno.readFile(path));
  const [input] = session.inputMetadata;
  if (!input || session.inputMetadata.length !== 1) throw new Error("The model has several inputs");
  return { runtime, session, name: input.name, shape: shapeOf(input) };
}

async function answer({ request, body }: ChildJob): Promise<ChildAnswer> {
  const job = request as OnnxRequest;
  const { runtime, session, name, shape } = await (opened ??= open(job.path));
  if (job.kind === "about") {
    const outputs = session.outputMetadata.map(({ shape }) => shape);
    return { result: { input: shape, outputs } };
  }
  const { width, height, preparation } = job;
  const { data, dims } = prepare({ width, height, channels: 3, data: body }, shape, preparation);
  const tensor = new runtime.Tensor(shape.bytes ? "uint8" : "float32", data, dims);
  const outputs = Object.values(await session.run({ [name]: tensor }));
  const numbers = outputs.map(({ data, type }) => {
    if (data instanceof Float32Array) return data;
    throw new Error(`The model answers with ${type}, not with float32`);
  });
  return {
    result: outputs.map(({ dims }) => [...dims]),
    blobs: numbers.map(({ buffer, byteOffset, byteLength }) =>
      new Uint8Array(buffer, byteOffset, byteLength)
    ),
  };
}

if (import.meta.main) await serve(answer);
