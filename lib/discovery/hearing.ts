import { type Device, devicesIn } from "./probe.ts";

export type HeardDevice = Device & {
  /** Where it answered from, as IP addresses. */
  addresses: string[];
};

const MAX_BYTES = 16 * 1024;
const MAX_ANSWERS = 4_000;
const MAX_DEVICES = 256;
/** Of one sender: who floods does not take the place of others. A recorder answers for its cameras. */
const MAX_EACH = { answers: 128, devices: 64 };
/** A device answers from one for each of its networks. */
const MAX_ADDRESSES = 8;

/** Gathers the devices that answer the question of this id, each once, in bounded room. */
export function createHearing(messageId: string) {
  const devices = new Map<string, HeardDevice>();
  const senders = new Map<string, { answers: number; devices: number }>();
  let answers = 0;

  return {
    /** Takes one datagram; what is too long, too much or no answer changes nothing. */
    take(datagram: Uint8Array, address: string): void {
      if (datagram.length > MAX_BYTES) return;
      const sender = senders.get(address) ?? { answers: 0, devices: 0 };
      if (senders.size < MAX_ANSWERS) senders.set(address, sender);
      if (++sender.answers > MAX_EACH.answers || ++answers > MAX_ANSWERS) return;
      for (const device of devicesIn(new TextDecoder().decode(datagram), messageId)) {
        const name = device.endpoint || address;
        const known = devices.get(name);
        if (known) addAddress(known, address);
        else if (devices.size < MAX_DEVICES && ++sender.devices <= MAX_EACH.devices) {
          devices.set(name, { ...device, addresses: [address] });
        }
      }
    },

    /** In the order in which they were first heard. */
    devices: (): HeardDevice[] => [...devices.values()],
  };
}

function addAddress({ addresses }: HeardDevice, address: string) {
  if (addresses.length < MAX_ADDRESSES && !addresses.includes(address)) addresses.push(address);
}
