import { type Connection, createConnection, type Peer } from "./connection.ts";
import { CLOSE } from "./messages.ts";
import type { Socket } from "./outbox.ts";

type Deps = Parameters<typeof createConnection>[0] & {
  /** Connections at once. */
  max: number;
  /** Calls back with each tenant whose rights have changed. */
  onRightsChanged: (listener: (tenant: string) => void) => void;
};

/** All live connections of this process. */
export function createSockets({ max, onRightsChanged, ...deps }: Deps) {
  const open = new Set<Connection>();

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
        socket.close(CLOSE.tryLater, "Too many connections");
        return null;
      }
      const connection = createConnection(deps, socket, peer);
      open.add(connection);
      return connection;
    },

    /** The other end of a connection is gone. */
    forget(connection: Connection) {
      open.delete(connection);
      connection.end();
    },

    /** How many there are. */
    count: () => open.size,

    /** Tells all that Imago is stopping. */
    close() {
      for (const connection of open) connection.close(CLOSE.going, "Imago is stopping");
    },
  };
}

export type Sockets = ReturnType<typeof createSockets>;
