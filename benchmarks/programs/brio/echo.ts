import { run } from "brio";
import { type Server, startServer } from "brio/streams";
import { echo, endClients, held } from "../echo.ts";
import type { Peer } from "../peer.ts";

const servers: Server[] = [];

async function listen(): Promise<number> {
  const server = await startServer(
    async (reader, writer) => {
      for (;;) {
        const data = await reader.read(102_400);
        if (data.length === 0) return;
        writer.write(data);
        await writer.drain();
      }
    },
    "127.0.0.1",
    0,
  );
  servers.push(server);
  return server.port;
}

const served = echo(listen);

const peer: Peer = {
  main: (measurement) =>
    run(async () => {
      await measurement();
      endClients();
      for (const server of servers) await server[Symbol.asyncDispose]();
    }),
  programs: {
    "echo-1k": served(1024),
    "echo-10k": served(10_240),
    "echo-100k": served(102_400),
    "connections-10k": held(listen, 1024),
  },
};

export default peer;
