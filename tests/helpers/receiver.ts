export type Received = { headers: Record<string, string>; body: string };

/** A receiver of webhooks on loopback. `answer` tells what it says; `received` what it was told. */
export function startReceiver(
  answer: (received: Received) => Response | Promise<Response> = () => new Response(null),
) {
  const received: Received[] = [];
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const told = {
        headers: Object.fromEntries(request.headers),
        body: await request.text(),
      };
      received.push(told);
      return await answer(told);
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/hook?key=1`,
    received,
    types: () => received.map(({ body }) => JSON.parse(body).type as string),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
