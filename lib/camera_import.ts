import { parse } from "yaml";
import { z } from "zod";
import { NewCamera } from "./model/camera.ts";

/** A camera of another system, as it can be added here. */
export type ForeignCamera = { camera: NewCamera; enabled: boolean };

type Unusable = { name: string; reason: string };

/** Python's YAML, which wrote such files, knows more words for these than today's YAML does. */
const [YES, NO, NOTHING] = [/^(true|yes|on|1)$/i, /^(false|no|off|0)$/i, /^(null|~)?$/i];

/** A scalar as it is written: an unquoted password `0123` is no number. */
const text = z.string().transform((said) => NOTHING.test(said) ? undefined : said).optional();
const number = text.pipe(z.coerce.number<string>().optional());
const truth = text.pipe(
  z.union([
    z.string().regex(YES).transform(() => true),
    z.string().regex(NO).transform(() => false),
  ], "It must be true or false").optional(),
);

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
  fps: number,
  enabled: truth,
});
type Entry = z.infer<typeof Entry>;

const List = z.array(z.unknown());
const Named = z.record(z.string(), z.unknown());
const File = z.union([
  z.object({ cameras: z.union([List, Named]) }).transform(({ cameras }) => cameras),
  List,
]);

/**
 * Reads a `cameras.yaml`: a list of cameras, by itself or under `cameras`, or there a map from their
 * ids. Throws an error with a sentence for a file that is no such thing; single entries that are of no
 * use are told beside the others.
 */
export function readForeignCameras(yaml: string): {
  cameras: ForeignCamera[];
  unusable: Unusable[];
} {
  const file = File.safeParse(parsed(yaml));
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

/** What the file says, each scalar as a text. */
function parsed(yaml: string): unknown {
  try {
    return parse(yaml, { schema: "failsafe", merge: true, maxAliasCount: 100, logLevel: "error" });
  } catch (cause) {
    // The lines that follow quote the file, passwords too.
    const [why] = cause instanceof Error ? cause.message.split("\n") : [String(cause)];
    throw new Error(`Cannot read the file: ${why}`, { cause });
  }
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
