import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

type Address = ReturnType<typeof ipaddr.parse>;
export type Net = [address: Address, prefixLength: number];

/** What IANA hands out for the public IPv6 internet; the rest is special, translated or unused. */
const IPV6_INTERNET: Net = [ipaddr.parse("2000::"), 3];
/** Azure's WireServer: a public address that every virtual machine there reaches from within. */
const AZURE_HOST: Net = [ipaddr.parse("168.63.129.16"), 32];

/**
 * True for an address that anybody on the internet may reach: unicast and global by the registries
 * of IANA. IPv6 forms that carry an IPv4 address (mapped, NAT64, 6to4, Teredo) are not.
 */
export function isPublic(address: string): boolean {
  if (!isIP(address)) return false;
  const ip = ipaddr.parse(address);
  if (ip.range() !== "unicast" || within(ip, [AZURE_HOST])) return false;
  return ip.kind() === "ipv4" || within(ip, [IPV6_INTERNET]);
}

/** True when one of the nets has the address. */
export function isIn(nets: Net[], address: string): boolean {
  return isIP(address) !== 0 && within(ipaddr.parse(address), nets);
}

/** Reads `10.0.0.0/8`, `fd00::/8`, or a single address. Throws an `Error` that names a mistake. */
export function parseNets(texts: string[]): Net[] {
  return texts.map((text) => {
    const [address = "", length, more] = text.split("/");
    const bits = isIP(address) === 6 ? 128 : 32;
    const prefix = length === undefined ? bits : Number(length);
    const sound = /^\d{1,3}$/.test(length ?? "0") && more === undefined && prefix <= bits;
    if (!isIP(address) || !sound) {
      throw new Error(`Cannot read "${text}" as a net: it should look like 192.168.1.0/24`);
    }
    return [ipaddr.parse(address), prefix];
  });
}

function within(ip: Address, nets: Net[]): boolean {
  return ipaddr.subnetMatch(ip, { named: nets }, "other") === "named";
}
