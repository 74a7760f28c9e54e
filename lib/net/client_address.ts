import ipaddr from "ipaddr.js";
import { isIn, type Net } from "./addresses.ts";

/** Proxies in a row that are believed; what stands left of them is the client's own invention. */
const MAX_HOPS = 20;

/**
 * The address that a request comes from: the peer's, and where that is a trusted proxy, the last
 * one in X-Forwarded-For that is not. "unknown" where the connection has no address.
 */
export function clientAddress(
  peer: string | undefined,
  forwardedFor: string | undefined,
  trusted: Net[],
): string {
  let address = normalize(peer ?? "");
  if (!address) return "unknown";
  for (const hop of forwardedFor?.split(",").slice(-MAX_HOPS).reverse() ?? []) {
    if (!isIn(trusted, address)) break;
    const before = normalize(hop.trim());
    if (!before) break;
    address = before;
  }
  return address;
}

/** What is counted as one: an IPv4 address, or the /64 that one customer has of IPv6. */
export function neighbourhood(address: string): string {
  if (!ipaddr.IPv6.isValid(address)) return address;
  const groups = ipaddr.IPv6.parse(address).parts.slice(0, 4);
  return `${groups.map((group) => group.toString(16)).join(":")}::/64`;
}

/** An address in one spelling, without port, brackets or zone, IPv4 out of its IPv6 form; else null. */
function normalize(text: string): string | null {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ??
    /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1] ?? text;
  const address = bare.replace(/%.*$/, "");
  const isPlain = ipaddr.IPv4.isValidFourPartDecimal(address) || ipaddr.IPv6.isValid(address);
  return isPlain ? ipaddr.process(address).toString() : null;
}
