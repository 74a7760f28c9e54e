import { z } from "zod";

/** Numbers in a row, and how many there are along each axis, the last one fastest. */
export type Tensor = { shape: readonly number[]; data: Float32Array };

const Header = z.record(
  z.string(),
  z.union([
    z.object({
      dtype: z.enum(["F16", "F32"]),
      shape: z.array(z.number().int()),
      data_offsets: z.tuple([z.number().int(), z.number().int()]),
    }),
    z.record(z.string(), z.string()),
  ]),
);

/**
 * Reads a safetensors file (https://github.com/huggingface/safetensors, "Format"): the header's
 * length in 8 bytes, the header as JSON, then the numbers. Halves become singles.
 */
export function readSafetensors(file: Uint8Array) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const start = 8 + Number(view.getBigUint64(0, true));
  const header = Header.parse(JSON.parse(new TextDecoder().decode(file.subarray(8, start))));
  const tensors = new Map<string, Tensor>();
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (!isTensor(entry)) {
      metadata = entry;
      continue;
    }
    const [from, to] = entry.data_offsets;
    const bytes = file.slice(start + from, start + to).buffer;
    const data = entry.dtype === "F16"
      ? Float32Array.from(new Float16Array(bytes))
      : new Float32Array(bytes);
    tensors.set(name, { shape: entry.shape, data });
  }
  return { metadata, tensors };
}

type Entry = z.infer<typeof Header>[string];

function isTensor(entry: Entry): entry is Extract<Entry, { shape: number[] }> {
  return Array.isArray(entry.shape);
}
