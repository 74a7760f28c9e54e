/** Where it is looked for: the system's program. */
export const FFMPEG = "ffmpeg";

const MISSING = "Cannot start an RTSP camera: ffmpeg is not installed on the server";

export type Ffmpeg = ReturnType<typeof createFfmpeg>;

/** Whether ffmpeg is there, looked for once it matters, until it is found. */
export function createFfmpeg() {
  let found = false;
  return {
    /** Why RTSP does not work here, or null. */
    async missing(): Promise<string | null> {
      found ||= await answers();
      return found ? null : MISSING;
    },
  };
}

async function answers(): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(FFMPEG, {
      args: ["-version"],
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) {
      return false;
    }
    throw error;
  }
}
