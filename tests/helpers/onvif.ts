import { createSocket } from "node:dgram";

type Words = { name?: string; xaddrs?: string; endpoint?: string };

/** A camera's answer to WS-Discovery, as real ones send it. */
export function probeMatch(relatesTo: string, words: Words = {}): string {
  const { name = "Gate", xaddrs = "http://127.0.0.1/onvif", endpoint = "urn:uuid:camera-1" } =
    words;
  return `<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery">
<SOAP-ENV:Header><wsa:MessageID>uuid:1</wsa:MessageID><wsa:RelatesTo>${relatesTo}</wsa:RelatesTo></SOAP-ENV:Header>
<SOAP-ENV:Body><d:ProbeMatches><d:ProbeMatch>
<wsa:EndpointReference><wsa:Address>${endpoint}</wsa:Address></wsa:EndpointReference>
<d:Types>dn:NetworkVideoTransmitter</d:Types>
<d:Scopes>onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/${name}
 onvif://www.onvif.org/hardware/IPC-1 onvif://www.onvif.org/location/country/yard</d:Scopes>
<d:XAddrs>${xaddrs}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion>
</d:ProbeMatch></d:ProbeMatches></SOAP-ENV:Body></SOAP-ENV:Envelope>`;
}

/** A device on loopback that answers each question with what `answers` makes of the question's id. */
export async function startDevice(answers: (messageId: string) => string[]) {
  const socket = createSocket({ type: "udp4" });
  const asked: string[] = [];
  socket.on("message", (message, from) => {
    const id = /MessageID>([^<]*)</.exec(new TextDecoder().decode(message))?.[1] ?? "";
    asked.push(id);
    for (const answer of answers(id)) {
      socket.send(new TextEncoder().encode(answer), from.port, from.address);
    }
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", () => resolve()));
  return {
    to: { hostname: "127.0.0.1", port: socket.address().port },
    asked,
    [Symbol.dispose]: () => void socket.close(),
  };
}
