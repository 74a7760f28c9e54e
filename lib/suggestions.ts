import type { Check, Drafts } from "./drafts.ts";
import { Problem } from "./errors.ts";
import type { MediaStore } from "./media.ts";
import type { DraftRow } from "./model/draft.ts";
import type { Tenant } from "./model/tenant.ts";
import type { Writer } from "./writer.ts";

/** Photos that a model looks at: each costs tokens, and the first ones tell most. */
const MAX_PICTURES = 5;

type Deps = { drafts: Drafts; media: MediaStore; writer: Writer };

/** Title, description and price of a listing, from its photos. */
export function createSuggestions({ drafts, media, writer }: Deps) {
  const look = async ({ tenant, photos }: DraftRow) => {
    const different = [...new Set(photos.map(({ sha256 }) => sha256))].slice(0, MAX_PICTURES);
    const jpegs = await Promise.all(different.map((sha256) => media.read(tenant, sha256)));
    return jpegs.filter((jpeg) => jpeg !== null).map((jpeg) => ({ jpeg }));
  };

  return {
    /**
     * Has the model write up the listing, and puts that in the place of what stood there; a price
     * only where the model can tell one. `conflict` when somebody changed it meanwhile.
     */
    async fill(
      tenant: Tenant,
      id: string,
      { language, check = () => {} }: { language?: string; check?: Check },
      signal: AbortSignal,
    ): Promise<DraftRow> {
      const before = await drafts.get(tenant.id, id);
      check(before);
      const pictures = await look(before);
      if (pictures.length === 0) {
        throw new Problem("invalid_request", "Cannot suggest anything: the listing has no photo");
      }
      const hints = { title: before.title, language };
      const { title, description, price_suggested } = await writer.draftListing(
        tenant,
        pictures,
        hints,
        signal,
      );
      const price = price_suggested ?? before.price_suggested;
      return await drafts.patch(
        tenant.id,
        id,
        { title, description, price_suggested: price },
        ({ version }) => {
          if (version === before.version) return;
          throw new Problem("conflict", "Cannot fill in the listing: it has changed meanwhile");
        },
      );
    },
  };
}

export type Suggestions = ReturnType<typeof createSuggestions>;
