import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { isIn, isPublic, parseNets } from "./addresses.ts";

/** Who reads: a page, picture or webhook by `web` rules; a camera may use more ports, and RTSP. */
export type Kind = "web" | "camera";

/** All addresses of a name; rejects or is empty when there are none. */
export type Resolve = (name: string) => Promise<string[]>;

/** An address of a stranger that may be called. */
export type Target = {
  /** Normalised, without fragment, user and password. */
  url: URL;
  /** Where to connect, each checked; never look the name up again. */
  addresses: string[];
  /** `user:password`, only for cameras. */
  credentials?: string;
};

export type TargetOptions = { kind: Kind; allowedNets: string[]; resolve?: Resolve };

const SCHEMES: Record<Kind, Record<string, number>> = {
  web: { "http:": 80, "https:": 443 },
  camera: { "http:": 80, "https:": 443, "rtsp:": 554 },
};

const PORTS: Record<Kind, (port: number) => boolean> = {
  web: (port) => [80, 443, 8080, 8443].includes(port),
  camera: (port) => [80, 81, 88, 443, 554].includes(port) || (port >= 8000 && port <= 8999),
};

const MAX_URL_LENGTH = 8_192;

/** Last labels that name no host of the internet: RFC 6761, 6762, 7686, 8375, 9476 and customs. */
const INNER_LABELS = new Set([
  ...["localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home"],
  ...["lan", "arpa", "svc", "cluster", "docker", "consul", "test", "example", "invalid"],
  ...["onion", "alt"],
]);

/**
 * Decides which addresses that a stranger named may be called: scheme, user, port, name, and every
 * IP address that the name has. `allowedNets` lifts the rules for addresses and ports for what lies
 * in it. Throws `Refusal`; a malformed net in `allowedNets` is an `Error` at once.
 */
export function createTargets({ kind, allowedNets, resolve = resolveName }: TargetOptions) {
  const nets = parseNets(allowedNets);

  /**
   * Refuses what can be refused without looking a name up. Where nets are allowed the name may lie
   * in one, and its rules wait for its addresses.
   */
  function examine(text: string): Named {
    const named = parse(text, kind);
    if (isIP(named.host)) refuseAddress(named, named.host);
    else if (nets.length === 0) refuseName(named);
    return named;
  }

  function refuseAddress(named: Named, address: string): void {
    if (isIn(nets, address)) return;
    if (!isPublic(address)) throw new Refusal(`${address} is not public`);
    refuseName(named);
  }

  function refuseName({ host, port }: Named): void {
    if (isInner(host)) throw new Refusal(`${host} is no name of the internet`);
    if (!PORTS[kind](port)) throw new Refusal(`port ${port} is not allowed`);
  }

  return {
    /** For a name that cannot be looked up now: by what is known of it, it would be called. */
    presume(text: string): Target {
      const named = examine(text);
      if (!isIP(named.host)) refuseName(named);
      return targetOf(named, []);
    },

    /** Looks the name up, once. Whoever connects uses the addresses that were checked here. */
    async locate(text: string): Promise<Target> {
      const named = examine(text);
      const addresses = isIP(named.host) ? [named.host] : await resolve(named.host);
      if (addresses.length === 0) throw new Refusal(`${named.host} has no address`);
      for (const address of addresses) refuseAddress(named, address);
      return targetOf(named, addresses);
    },
  };
}

function targetOf({ url, credentials }: Named, addresses: string[]): Target {
  return { url, addresses, ...(credentials && { credentials }) };
}

/** Why an address may not be read: for the log, never for the caller. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  /** The HTTP status that it is about, where there was an answer. */
  readonly status: number | undefined;

  constructor(message: string, { status, ...options }: ErrorOptions & { status?: number } = {}) {
    super(message, options);
    this.status = status;
  }
}

type Named = { url: URL; host: string; port: number; credentials?: string };

function parse(text: string, kind: Kind): Named {
  if (text.length > MAX_URL_LENGTH) throw new Refusal("the URL is too long");
  const url = URL.parse(text);
  if (!url) throw new Refusal("it is no URL");
  const defaultPort = SCHEMES[kind][url.protocol];
  if (!defaultPort) throw new Refusal(`the scheme ${url.protocol} is not allowed`);
  const host = plainHost(url);
  const credentials = takeCredentials(url);
  if (credentials && kind !== "camera") throw new Refusal("it has a user or password");
  url.hostname = isIP(host) === 6 ? `[${host}]` : host;
  url.hash = "";
  return { url, host, port: url.port ? Number(url.port) : defaultPort, credentials };
}

/**
 * The host as a lower-case name or a plain IP address. Only http URLs normalise `0x7f.1` and its
 * like, so that an RTSP host is read as one. A final dot is dropped: certificates have none.
 */
function plainHost(url: URL): string {
  const host = URL.parse(`http://${url.hostname}`)?.hostname.replace(/^\[|\]$|\.$/g, "");
  if (!host || host.length > 253 || (!isIP(host) && !/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(host))) {
    throw new Refusal("it names no host");
  }
  return host;
}

function takeCredentials(url: URL): string | undefined {
  if (!url.username && !url.password) return undefined;
  const credentials = `${decoded(url.username)}:${decoded(url.password)}`;
  url.username = url.password = "";
  return credentials;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw new Refusal("its user or password is malformed", { cause });
  }
}

function isInner(host: string): boolean {
  if (isIP(host)) return false;
  const labels = host.split(".");
  return labels.length === 1 || INNER_LABELS.has(labels.at(-1)!);
}

async function resolveName(name: string): Promise<string[]> {
  const found = await lookup(name, { all: true });
  return found.map(({ address }) => address);
}
