import { Buffer } from "node:buffer";
import { type Clock, timestamp } from "./clock.ts";

/** A picture of a camera on its way to whoever watches. */
export type Frame = {
  readonly jpeg: Uint8Array;
  readonly at: string;
  /** The picture in base64: made once, for all who watch. */
  readonly base64: string;
  /** `frame_update` as WebSockets tell it: made once, for all who watch. */
  readonly json: string;
};

type OnFrame = (frame: Frame) => void;
type Channel = { followers: Set<OnFrame>; latest: Frame | null };

export type Frames = ReturnType<typeof createFrames>;

/** Live pictures of this process's cameras: handed on, never queued. */
export function createFrames({ clock }: { clock: Clock }) {
  const channels = new Map<string, Channel>();
  const nameOf = (tenant: string, cameraId: string) => `${tenant}/${cameraId}`;
  const open = (name: string) => {
    const channel = channels.get(name) ?? { followers: new Set(), latest: null };
    channels.set(name, channel);
    return channel;
  };

  return {
    /** Hands a JPEG to all who follow the camera now. */
    publish(tenant: string, cameraId: string, jpeg: Uint8Array): Frame {
      const channel = open(nameOf(tenant, cameraId));
      const frame = frameOf(cameraId, jpeg, timestamp(clock.now()));
      channel.latest = frame;
      for (const onFrame of channel.followers) onFrame(frame);
      return frame;
    },

    /** Calls `onFrame` with each picture from now on, until the returned function is called. */
    follow(tenant: string, cameraId: string, onFrame: OnFrame): () => void {
      const name = nameOf(tenant, cameraId);
      const channel = open(name);
      // The same function may follow twice: each time is ended by itself.
      const follower: OnFrame = (frame) => onFrame(frame);
      channel.followers.add(follower);
      return () => {
        channel.followers.delete(follower);
        if (!channel.followers.size && !channel.latest) channels.delete(name);
      };
    },

    /** The last picture of a camera that is watched here. */
    latest(tenant: string, cameraId: string): Frame | null {
      return channels.get(nameOf(tenant, cameraId))?.latest ?? null;
    },

    /** Forgets the last picture of a camera that is not watched any more. */
    end(tenant: string, cameraId: string): void {
      const name = nameOf(tenant, cameraId);
      const channel = channels.get(name);
      if (channel) channel.latest = null;
      if (channel && !channel.followers.size) channels.delete(name);
    },
  };
}

function frameOf(cameraId: string, jpeg: Uint8Array, at: string): Frame {
  let base64: string | undefined;
  let json: string | undefined;
  return {
    jpeg,
    at,
    get base64() {
      return base64 ??= Buffer.from(jpeg).toString("base64");
    },
    get json() {
      return json ??= JSON.stringify({
        ...{ type: "frame_update", camera_id: cameraId, data: this.base64, at },
      });
    },
  };
}
