import { z } from "zod";
import { serve } from "../sandbox_child.ts";
import { createEngine, type Engine } from "./engine.ts";
import { modelPaths } from "./models.ts";
import { readPicture } from "./reading.ts";

/** What the parent asks: the body is the picture. The languages never change in a child's life. */
export const OcrRequest = z.object({ languages: z.array(z.string()).min(1) });
export type OcrRequest = z.infer<typeof OcrRequest>;

let engine: Promise<Engine> | undefined;

if (import.meta.main) {
  await serve(async ({ request, body }) => {
    const { languages } = OcrRequest.parse(request);
    engine ??= createEngine(modelPaths(languages));
    return { result: readPicture(await engine, body, languages) };
  });
}
