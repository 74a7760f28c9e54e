import type { OutputSpec, Size } from "./engine.ts";

export type Plan = { spec: OutputSpec; frame: Size; cut: Size };

/** The whole picture's size from which the output is cut, and the output's own. */
export function plan(spec: OutputSpec, { width, height }: Size): Plan {
  const across = (spec.width ?? Infinity) / width;
  const down = (spec.height ?? Infinity) / height;
  const cover = spec.fit === "cover" && spec.width && spec.height;
  const scale = cover ? Math.max(across, down) : Math.min(across, down, 1);
  const frame = {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
  const cut = cover ? { width: spec.width!, height: spec.height! } : frame;
  return { spec, frame, cut };
}
