import type { Picture } from "./ai/generate.ts";
import type { AiProvider } from "./ai/provider.ts";
import type { Things } from "./ai/tasks.ts";
import type { Budgets } from "./budgets.ts";
import { Problem } from "./errors.ts";
import type { Tenant } from "./model/tenant.ts";
import type { SafeFetch } from "./net/safe_fetch.ts";
import { unreadable } from "./net/unreadable.ts";
import { isReadable, type Reader } from "./reader/reader.ts";

/** Fetching and reading a page may take so long together. */
const PAGE_MS = 10_000;

/** What a provider says of labels. */
export type ProvidersScores = { scores: { label: string; score: number }[]; model_used: string };

type Deps = {
  /** null where there is no provider. */
  ai: AiProvider | null;
  aiReason: string;
  budgets: Budgets;
  web: SafeFetch;
  reader: Reader;
};

/**
 * What a model writes when asked. `forbidden` for a client that keeps its things from outside models
 * (`external_ai: false`), `ai_unavailable` where there is none.
 */
export function createWriter({ ai, aiReason, budgets, web, reader }: Deps) {
  /** Who is asked for this client: the one place that refuses to give anything of it away. */
  const providerFor = ({ external_ai }: Tenant) => {
    if (!ai) throw new Problem("ai_unavailable", `Cannot ask a model: ${aiReason}`);
    if (!external_ai) {
      throw new Problem("forbidden", "Cannot ask: the client keeps its things from outside models");
    }
    return ai;
  };

  const readPage = async (url: string, signal: AbortSignal) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(PAGE_MS)]);
    try {
      const page = await web.fetch(url, { accept: isReadable, signal: limit });
      return { url: page.url, ...await reader.read(page.body, page, { signal: limit }) };
    } catch (error) {
      if (error instanceof Problem || signal.aborted) throw error;
      throw unreadable(error);
    }
  };

  return {
    /** What a page says, in a few sentences. Throws `invalid_content` for addresses that cannot be read. */
    async summarize(
      tenant: Tenant,
      url: string,
      language: string | undefined,
      signal: AbortSignal,
    ) {
      const ai = providerFor(tenant);
      const page = await readPage(url, signal);
      const atMost = ai.atMost("summarize", { characters: page.title.length + page.text.length });
      const { value, usage } = await budgets.spend(
        tenant,
        atMost,
        () =>
          ai.summarize({ title: page.title, text: page.text, url: page.url }, { language, signal }),
      );
      return { url: page.url, ...value, model_used: usage.model };
    },

    /** Title, description and price of the one thing that the pictures show. */
    async draftListing(
      tenant: Tenant,
      pictures: Picture[],
      { title, language }: { title: string; language?: string },
      signal: AbortSignal,
    ) {
      const ai = providerFor(tenant);
      const atMost = ai.atMost("draftListing", {
        pictures: pictures.length,
        characters: title.length,
      });
      const { value } = await budgets.spend(
        tenant,
        atMost,
        () => ai.draftListing(pictures, { title, language, signal }),
      );
      return value;
    },

    /** Throws what asking would, before a picture is decoded for it. */
    refuseEarly(tenant: Tenant): void {
      providerFor(tenant);
    },

    /** How likely each label is for what the picture shows. */
    async classify(
      tenant: Tenant,
      picture: Picture,
      labels: readonly string[],
      signal: AbortSignal,
    ): Promise<ProvidersScores> {
      const ai = providerFor(tenant);
      const atMost = ai.atMost("classify", { pictures: 1, characters: labels.join().length });
      const { value, usage } = await budgets.spend(
        tenant,
        atMost,
        () => ai.classify(picture, labels, { signal }),
      );
      return { scores: value.scores, model_used: usage.model };
    },

    /** The things that a camera's picture shows. */
    async detect(tenant: Tenant, picture: Picture, signal: AbortSignal): Promise<Things> {
      const ai = providerFor(tenant);
      const { value } = await budgets.spend(
        tenant,
        ai.atMost("detect", { pictures: 1 }),
        () => ai.detect(picture, { signal }),
      );
      return value.things;
    },

    /** A task with its steps, from a rough description. */
    async draftTask(
      tenant: Tenant,
      task: { description: string; context?: string },
      signal: AbortSignal,
    ) {
      const ai = providerFor(tenant);
      const characters = task.description.length + (task.context?.length ?? 0);
      const { value, usage } = await budgets.spend(
        tenant,
        ai.atMost("draftTask", { characters }),
        () => ai.draftTask(task, { signal }),
      );
      return { ...value, model_used: usage.model };
    },
  };
}

export type Writer = ReturnType<typeof createWriter>;
