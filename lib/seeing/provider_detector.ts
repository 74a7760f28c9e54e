import type { OutputSpec } from "../imaging/engine.ts";
import type { Imaging } from "../imaging/imaging.ts";
import type { Writer } from "../writer.ts";
import type { Detector } from "./detector.ts";

/** What is sent: no larger than models look at, and without metadata. */
const SHOWN: OutputSpec = {
  ...{ name: "shown", width: 1024, height: 1024, fit: "inside", format: "jpeg", quality: 80 },
};

type Deps = {
  writer: Pick<Writer, "detect" | "refuseEarly">;
  imaging: Pick<Imaging, "render">;
  /** Things below are not told. 0..1 */
  minConfidence: number;
};

/** Asks the provider of AI what a picture shows, within the tenant's budget and by its leave. */
export function createProviderDetector({ writer, imaging, minConfidence }: Deps): Detector {
  return async (tenant, jpeg, signal) => {
    writer.refuseEarly(tenant);
    const request = { format: "jpeg" as const, outputs: [SHOWN] };
    const { outputs } = await imaging.render(jpeg, request, { signal });
    const found = await writer.detect(tenant, { jpeg: outputs.shown!.bytes }, signal);
    return found.filter(({ confidence }) => confidence >= minConfidence);
  };
}
