import { assistant } from "./assistant.tsx";
import { audit } from "./audit.tsx";
import { camera } from "./camera.tsx";
import { cameras } from "./cameras.tsx";
import { clients } from "./clients.tsx";
import { draft } from "./draft.tsx";
import { drafts } from "./drafts.tsx";
import { events } from "./events.tsx";
import { gallery } from "./gallery.tsx";
import { image } from "./image.tsx";
import { jobs } from "./jobs.tsx";
import { keys } from "./keys.tsx";
import { predict } from "./predict.tsx";
import { privacy } from "./privacy.tsx";
import type { Screen } from "./screen.ts";
import { system } from "./system.tsx";
import { upload } from "./upload.tsx";
import { users } from "./users.tsx";
import { webhooks } from "./webhooks.tsx";

/** Every screen, in the order of the menu. */
export const SCREENS: readonly Screen[] = [
  ...[upload, gallery, image],
  ...[predict, drafts, draft, assistant],
  ...[cameras, camera, events],
  ...[jobs, keys, users, webhooks, audit, privacy, clients, system],
];
