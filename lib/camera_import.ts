import { parse } from "yaml";
import { z } from "zod";
import { NewCamera } from "./model/camera.ts";

/** A camera of another system, as it can be added here. */
export type ForeignCamera = { camera: NewCamera; enabled: boolean };

type Unusable = { name: string; reason: string };

const text = z.union([z.string(), z.number()]).transform(String);

/** The words that such files use for the same things. */
const Entry = z.object({
  id: text,
  name: text,
  url: text,
  source: text,
  rtsp_url: text,
  stream_url: text,
  username: text,
  password: text,
  location: text,
  zone: text,
  fps: z.number(),
  enabled: z.boolean(),
}).partial();
type Entry = z.infer<typeof Entry>;

const List = z.array(z.unknown());
const Named = z.record(z.string(), z.unknown());
const File = z.union([
  z.object({ cameras: z.union([List, Named]) }).transform(({ cameras }) => cameras),
  List,
]);

/**
 * Reads a `cameras.yaml`: a list of cameras, or a map from their ids, by itself or under `cameras`.
 * Throws an error with a sentence for a file that is no such thing; single entries that are of no
 * use are told beside the others.
 */
export function readForeignCameras(yaml: string): {
  cameras: ForeignCamera[];
  unusable: Unusable[];
} {
  const file = File.safeParse(parse(yaml, { maxAliasCount: 100 }));
  if (!file.success) throw new Error("Cannot read the file: it has no list or map of cameras");
  const entries = Array.isArray(file.data)
    ? file.data.map((entry, at) => [`camera ${at + 1}`, entry] as const)
    : Object.entries(file.data);
  const cameras: ForeignCamera[] = [];
  const unusable: Unusable[] = [];
  for (const [key, given] of entries) {
    const entry = Entry.safeParse(given);
    const name = entry.data?.name ?? entry.data?.id ?? key;
    const read = entry.success ? cameraOf(name, entry.data) : reasonOf(entry.error);
    if (typeof read === "string") unusable.push({ name, reason: read });
    else cameras.push(read);
  }
  return { cameras, unusable };
}

/** The camera, or why it cannot be one here. */
function cameraOf(name: string, entry: Entry): ForeignCamera | string {
  const address = entry.url ?? entry.rtsp_url ?? entry.stream_url ?? entry.source;
  if (address === undefined) return "it has no address";
  if (/^\d+$/.test(address)) return "it is a device of its machine, not of the network";
  const camera = NewCamera.safeParse({
    name,
    url: withLogin(address, entry),
    location: entry.location ?? entry.zone ?? "",
    ...(entry.fps === undefined ? {} : { fps: Math.min(30, entry.fps) }),
  });
  if (!camera.success) return reasonOf(camera.error);
  return { camera: camera.data, enabled: entry.enabled ?? true };
}

/** User and password that stand beside the address, within it. */
function withLogin(address: string, { username, password = "" }: Entry): string {
  const url = URL.parse(address);
  if (!url || username === undefined || url.username) return address;
  // An RTSP address is no "special" URL: its user cannot be set on the parsed one everywhere.
  const login = `${encodeURIComponent(username)}:${encodeURIComponent(password)}@`;
  return address.replace(/^([a-z]+:\/\/)/i, `$1${login}`);
}

function reasonOf({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `${path.join(".") || "it"}: ${message}`).join(", ");
}
