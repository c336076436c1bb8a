import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { brio, type RequestTasksOptions } from "@brio/http/fastify";
import { interruptible, run } from "brio";
import fastify, { type FastifyInstance } from "fastify";

/**
 * An app of Fastify, and a WebSocket client that is connected to it.
 *
 * @param serve has the app serve WebSockets at `path`
 */
export async function withSocket(
  path: string,
  options: RequestTasksOptions,
  serve: (app: FastifyInstance) => unknown,
  body: (client: WebSocket, app: FastifyInstance, errors: unknown[]) => Promise<void>,
): Promise<void> {
  await run(async () => {
    const errors: unknown[] = [];
    const app = fastify({ forceCloseConnections: true });
    await app.register(brio, { onError: (error) => errors.push(error), drain: "2s", ...options });
    await serve(app);
    await interruptible(app.listen({ port: 0, host: "127.0.0.1" }));
    const { port } = app.server.address() as AddressInfo;
    const client = new WebSocket(`ws://127.0.0.1:${port}${path}`);
    await interruptible(once(client, "open"));
    try {
      await body(client, app, errors);
    } finally {
      client.close();
      await app.close();
    }
  });
}

/** The next message that comes. */
export async function message(client: WebSocket): Promise<unknown> {
  const [event] = await interruptible(once(client, "message"));
  return (event as MessageEvent).data;
}

/** The code that it is closed with. */
export async function closed(client: WebSocket): Promise<number> {
  const [event] = await interruptible(once(client, "close"));
  return (event as CloseEvent).code;
}
