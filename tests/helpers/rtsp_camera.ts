const PYTHON = "/usr/bin/python3";
const PROGRAM = new URL("../fixtures/rtsp_camera.py", import.meta.url).pathname;

/** Whether this machine can play an RTSP camera, and read one. */
export const hasRtsp = await succeeds("ffmpeg", "-version") && await succeeds(
  PYTHON,
  "-c",
  'import gi; gi.require_version("GstRtspServer", "1.0"); from gi.repository import GstRtspServer',
);

/** A real RTSP camera on loopback, at a free port unless one is given. */
export async function startRtspCamera(port = 0) {
  const args = [PROGRAM, String(port)];
  const process = new Deno.Command(PYTHON, { args, stdout: "piped", stderr: "null" }).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  return {
    url: `rtsp://127.0.0.1:${Number(value)}/cam`,
    port: Number(value),
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await Promise.all([process.status, reader.cancel()]);
    },
  };
}

async function succeeds(program: string, ...args: string[]): Promise<boolean> {
  try {
    const command = new Deno.Command(program, { args, stdout: "null", stderr: "null" });
    return (await command.output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
