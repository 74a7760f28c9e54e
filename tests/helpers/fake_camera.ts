const BOUNDARY = "frame";

/** A camera over HTTP on loopback: `/shot.jpg` is a snapshot, `/video` is MJPEG without end. */
export function startFakeCamera(
  pictures: () => Uint8Array<ArrayBuffer>,
  everyMs = 20,
  /** Refuses a request, or gives null: as a camera that wants to see a password. */
  refuse: (request: Request) => Response | null = () => null,
) {
  let down = false;
  const open = new Set<ReadableStreamDefaultController<Uint8Array>>();
  const asked: Headers[] = [];

  const video = () => {
    let timer: ReturnType<typeof setInterval>;
    let mine: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        mine = controller;
        open.add(controller);
        timer = setInterval(() => controller.enqueue(partOf(pictures())), everyMs);
      },
      cancel: () => end(),
    });
    const end = () => {
      clearInterval(timer);
      open.delete(mine);
    };
    ends.set(mine!, end);
    return body;
  };
  const ends = new Map<ReadableStreamDefaultController<Uint8Array>, () => void>();
  const drop = () => {
    for (const controller of open) {
      ends.get(controller)?.();
      controller.close();
    }
  };

  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    asked.push(request.headers);
    if (down) return new Response("no", { status: 503 });
    const refusal = refuse(request);
    if (refusal) return refusal;
    const type = `multipart/x-mixed-replace; boundary=${BOUNDARY}`;
    return new URL(request.url).pathname === "/video"
      ? new Response(video(), { headers: { "Content-Type": type } })
      : new Response(pictures(), { headers: { "Content-Type": "image/jpeg" } });
  });

  return {
    base: `http://127.0.0.1:${server.addr.port}`,
    /** The headers of every request. */
    asked,
    /** Videos that are being sent. */
    get watchers() {
      return open.size;
    },
    /** Breaks off what it sends, and refuses from now on. */
    fail() {
      down = true;
      drop();
    },
    recover() {
      down = false;
    },
    async [Symbol.asyncDispose]() {
      drop();
      await server.shutdown();
    },
  };
}

/** Refuses whoever does not show this user and password, by Basic. */
export function wantsBasic(login: string) {
  return ({ headers }: Request): Response | null =>
    headers.get("Authorization") === `Basic ${btoa(login)}`
      ? null
      : new Response("who?", { status: 401, headers: { "WWW-Authenticate": "Basic" } });
}

function partOf(jpeg: Uint8Array): Uint8Array {
  const head =
    `--${BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`;
  return new Uint8Array([
    ...new TextEncoder().encode(head),
    ...jpeg,
    ...new TextEncoder().encode("\r\n"),
  ]);
}
