import { Parser } from "htmlparser2";

/** What a device tells of itself. */
export type Device = {
  /** Its address as a device, which stays when its IP address changes. */
  endpoint: string;
  name: string;
  hardware: string;
  location: string;
  xaddrs: string[];
};

const MAX_TEXT = 200;
const MAX_XADDRS = 8;
const MAX_DEPTH = 32;
/** Scopes of ONVIF's Core Specification, 7.3.3. */
const SCOPE = /^onvif:\/\/www\.onvif\.org\/(name|hardware|location)\/(.+)$/i;

/** WS-Discovery's question (OASIS, April 2005) for what ONVIF calls a network video transmitter. */
export function probeOf(messageId: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">
<e:Header><w:MessageID>${messageId}</w:MessageID><w:To e:mustUnderstand="true">urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To><w:Action e:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>
<e:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Body>
</e:Envelope>`;
}

/**
 * The devices in an answer to the question of this id: none where it answers another, or is no
 * answer. No entity of a stranger's is known to the parser, and none is fetched.
 */
export function devicesIn(xml: string, messageId: string): Device[] {
  const devices: Device[] = [];
  let relatesTo = "";
  let words: Record<string, string> = {};
  const path: string[] = [];
  const parser = new Parser({
    onopentagname(name) {
      if (path.push(localName(name)) > MAX_DEPTH) parser.pause();
      if (path.at(-1) === "ProbeMatch") words = {};
    },
    ontext(text) {
      const name = path.at(-1) ?? "";
      if (name === "RelatesTo") relatesTo += text;
      else words[name] = ((words[name] ?? "") + text).slice(0, 20 * MAX_TEXT);
    },
    onclosetag() {
      if (path.pop() === "ProbeMatch") devices.push(deviceOf(words));
    },
  }, { xmlMode: true, decodeEntities: true });
  parser.write(xml);
  parser.end();
  return relatesTo.trim() === messageId ? devices : [];
}

function deviceOf({ Address = "", Scopes = "", XAddrs = "" }: Record<string, string>): Device {
  const scopes = new Map(
    listOf(Scopes).flatMap((scope) => {
      const [, kind, value] = SCOPE.exec(scope) ?? [];
      return kind && value ? [[kind.toLowerCase(), decoded(value)] as const] : [];
    }),
  );
  const said = (kind: string) => scopes.get(kind) ?? "";
  return {
    endpoint: clip(Address.trim()),
    name: said("name") || said("hardware"),
    hardware: said("hardware"),
    location: said("location").replace(/^(city|country)\//i, ""),
    xaddrs: listOf(XAddrs).filter((url) => /^https?:$/.test(URL.parse(url)?.protocol ?? ""))
      .slice(0, MAX_XADDRS).map(clip),
  };
}

function listOf(text: string): string[] {
  return text.split(/\s+/).filter(Boolean);
}

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

function decoded(text: string): string {
  try {
    return clip(decodeURIComponent(text));
  } catch (error) {
    if (error instanceof URIError) return clip(text);
    throw error;
  }
}

/** One line of bounded length. */
function clip(text: string): string {
  return text.replace(/[\p{C}\s]+/gu, " ").slice(0, MAX_TEXT).toWellFormed().trim();
}
