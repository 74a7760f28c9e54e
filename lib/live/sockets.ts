import { getLogger } from "@logtape/logtape";
import { systemClock } from "../clock.ts";
import { type Connection, createConnection, type Peer } from "./connection.ts";
import { createMemoryGuard } from "./memory_guard.ts";
import { CLOSE } from "./messages.ts";
import type { Socket } from "./outbox.ts";

const log = getLogger(["imago", "live"]);

/** What a connection takes when it rests, generously. */
const EACH_BYTES = 131_072;
/** Whoever fills the memory has so long to take leave. */
const HASTE_MS = 100;
/** Who is refused, and everybody when the server stops, has so long. */
const SHORT_MS = 1_000;

type Deps = Parameters<typeof createConnection>[0] & {
  /** Connections at once. */
  max: number;
  /** Calls back with each tenant whose rights have changed. */
  onRightsChanged: (listener: (tenant: string) => void) => void;
};

/** All live connections of this process. */
export function createSockets({ max, onRightsChanged, ...deps }: Deps) {
  const open = new Set<Connection>();

  const endAll = (voice: "mute" | "asked") => {
    const silent = [...open].filter((connection) => connection.voice() === voice);
    for (const connection of silent) {
      connection.close(CLOSE.tryLater, "Memory is short: connect again", HASTE_MS);
    }
    if (silent.length) log.warning("Memory grows: {count} silent ended", { count: silent.length });
  };
  const guard = createMemoryGuard({
    clock: systemClock,
    measure: Deno.memoryUsage,
    expected: () =>
      [...open].reduce((sum, connection) => sum + EACH_BYTES + connection.footprint(), 0),
    askAll: () => open.forEach((connection) => connection.ask()),
    endSilent: () => endAll("asked"),
    endMute: () => endAll("mute"),
  });

  onRightsChanged((tenant) => {
    for (const connection of open) if (connection.tenant() === tenant) connection.recheck();
  });

  /** Somebody known takes the place of who has waited longest without saying who they are. */
  const makeRoom = ({ principal }: Peer): boolean => {
    if (open.size < max) return true;
    const stranger = principal && [...open].find((connection) => connection.tenant() === null);
    if (!stranger) return false;
    stranger.close(CLOSE.tryLater, "Too many connections");
    return open.delete(stranger);
  };

  return {
    /** Takes a new connection in; null, and it is closed with 1013, where there are too many. */
    admit(socket: Socket, peer: Peer): Connection | null {
      if (!makeRoom(peer)) {
        socket.close(CLOSE.tryLater, "Too many connections", SHORT_MS);
        return null;
      }
      const connection = createConnection(deps, socket, peer);
      open.add(connection);
      guard.start();
      return connection;
    },

    /** The other end of a connection is gone. */
    forget(connection: Connection) {
      open.delete(connection);
      connection.end();
      if (open.size === 0) guard.stop();
    },

    /** How many there are. */
    count: () => open.size,

    /** Tells all that Imago is stopping. */
    close() {
      for (const connection of open) {
        connection.close(CLOSE.going, "Imago is stopping", SHORT_MS);
      }
    },
  };
}

export type Sockets = ReturnType<typeof createSockets>;
