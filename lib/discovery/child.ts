import { createSocket, type Socket } from "node:dgram";
import { networkInterfaces } from "node:os";
import { z } from "@hono/zod-openapi";
import { type ChildAnswer, type ChildJob, serve } from "../sandbox_child.ts";
import { createHearing } from "./hearing.ts";
import { probeOf } from "./probe.ts";

const Request = z.object({
  hostname: z.string(),
  port: z.number().int(),
  waitMs: z.number().int(),
});

/** UDP loses; a second question finds who did not hear the first. */
const ASK_AGAIN_MS = 300;

if (import.meta.main) await serve(discover);

/** Asks who is there, and answers with what was heard until the time is over. */
async function discover({ request }: ChildJob): Promise<ChildAnswer> {
  const { hostname, port, waitMs } = Request.parse(request);
  const messageId = `uuid:${crypto.randomUUID()}`;
  const hearing = createHearing(messageId);
  const socket = await open(hearing.take);
  try {
    const probe = new TextEncoder().encode(probeOf(messageId));
    const ask = () => sendEverywhere(socket, probe, port, hostname);
    const sent = await ask();
    if (!sent) throw new Error("the network lets no question out");
    await pause(Math.min(ASK_AGAIN_MS, waitMs));
    await ask();
    await pause(Math.max(0, waitMs - ASK_AGAIN_MS));
  } finally {
    socket.close();
  }
  return { result: { devices: hearing.devices() } };
}

function open(onMessage: (message: Uint8Array, address: string) => void): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = createSocket({ type: "udp4" });
  socket.on("error", reject);
  socket.on("message", (message, { address }) => onMessage(message, address));
  socket.bind(0, () => resolve(socket));
  return promise;
}

/** Out of every interface of its own, where the question is for everybody. Gives how many it left by. */
async function sendEverywhere(socket: Socket, probe: Uint8Array, port: number, hostname: string) {
  const isMulticast = Number(hostname.split(".")[0]) >= 224;
  if (!isMulticast) return Number(await send(socket, probe, port, hostname));
  let sent = 0;
  for (const { address } of ownAddresses()) {
    socket.setMulticastInterface(address);
    sent += Number(await send(socket, probe, port, hostname));
  }
  return sent;
}

function ownAddresses() {
  return Object.values(networkInterfaces()).flatMap((all) => all ?? []).filter(({ family }) =>
    family === "IPv4"
  );
}

/** Whether it left: an interface may be down, or have no way there. */
function send(socket: Socket, probe: Uint8Array, port: number, hostname: string) {
  return new Promise<boolean>((resolve) => {
    socket.send(probe, port, hostname, (error) => resolve(!error));
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
