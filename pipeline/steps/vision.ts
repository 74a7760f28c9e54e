import { PROMPT_VERSIONS } from "../../lib/ai/tasks.ts";
import { defineStep, skip } from "../step.ts";

const VERSION = PROMPT_VERSIONS.describe;

/** A description and tags, by the vision model. */
export const vision = defineStep({
  name: "vision",
  // The provider has its own, shorter deadline, which operators set.
  timeoutMs: 300_000,
  needs: "preview",
  off({ ai, aiReason, tenant }) {
    if (!ai) return aiReason;
    return tenant.external_ai ? null : "the client keeps its pictures from outside models";
  },
  reuse(twin) {
    const known = twin.steps.vision?.state === "done" && twin.ai_version === VERSION;
    return Promise.resolve(known && twin.ai ? { ai: twin.ai, ai_version: VERSION } : null);
  },
  async run({ tenant, open, ai, aiReason, budgets, signal }) {
    if (!ai) return skip(aiReason);
    if (!tenant.external_ai) return skip("the client keeps its pictures from outside models");
    const { stream } = await open("preview");
    const jpeg = await new Response(stream).bytes();
    const atMost = ai.atMost("describe", { pictures: 1 });
    const { value, usage } = await budgets.spend(
      tenant,
      atMost,
      () => ai.describe({ jpeg }, { signal }),
    );
    return {
      ai: { ...value, model_used: usage.model },
      ai_version: VERSION,
      ai_usage: usage,
    };
  },
});
