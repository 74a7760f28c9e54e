import { createCursors } from "../cursors.ts";
import { createLinks } from "../links.ts";
import { createSignedRenders } from "../storage/signed_render.ts";
import { createSignedUrls } from "../storage/signed_url.ts";
import type { Base } from "./base.ts";

/** Everything that is signed to be handed round: links to files and renders, cursors of lists. */
export function createSigned({ config, secrets, clock }: Base) {
  const signing = {
    secrets: [secrets.signedUrlSecret, ...secrets.formerSignedUrlSecrets ?? []],
    now: clock.now,
  };
  const signedUrls = createSignedUrls(signing);
  const signedRenders = createSignedRenders(signing);
  const links = createLinks({
    signedUrls,
    signedRenders,
    secrets: signing.secrets,
    clock,
    publicUrl: config.PUBLIC_URL,
    mediaBaseUrl: config.MEDIA_BASE_URL.replace(/\/$/, ""),
  });
  return { signedUrls, signedRenders, links, cursors: createCursors(secrets.signedUrlSecret) };
}
