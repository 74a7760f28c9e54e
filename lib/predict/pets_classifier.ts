import { decodeHead, encodeFeatures } from "./encoding.ts";
import type { Classifier } from "./classifier.ts";
import { type Pets, PIXELS_SIDE } from "./pets.ts";
import { type Head, logit, sigmoid } from "./pets_model.ts";
import type { ModelRow } from "../model/prediction.ts";

type Deps = {
  pets: Pets;
  /** The version that a tenant has made its own; null where that is the built-in one. */
  active: (tenant: string) => Promise<ModelRow | null>;
};

/** Cats and dogs, by the built-in network and the last layer that the tenant's corrections made. */
export function createPetsClassifier({ pets, active }: Deps): Classifier {
  return {
    side: PIXELS_SIDE,

    async classify(tenant, pixels, limits) {
      const [own, look, { version, head, petThreshold }] = await Promise.all([
        active(tenant),
        pets.look(pixels, limits),
        pets.about(),
      ]);
      const decider: Head = own ? decodeHead(own) : head;
      const dog = sigmoid(logit(decider, look.features));
      return {
        scores: { cat: 1 - dog, dog },
        isStrange: look.pet < petThreshold,
        model: own?.version ?? version,
        features: encodeFeatures(look.features),
      };
    },

    async about() {
      const { version, parameters } = await pets.about();
      return { path: "built-in", version, parameters, labels: ["cat", "dog"] };
    },
  };
}
