import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { echo, endClients, held } from "../echo.ts";
import type { Peer } from "../peer.ts";

const servers: Server[] = [];

async function listen(): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("data", (data) => {
      // With a slow receiver, reading waits until what was written is gone.
      if (socket.write(data)) return;
      socket.pause();
      socket.once("drain", () => socket.resume());
    });
  });
  servers.push(server.listen(0, "127.0.0.1"));
  await once(server, "listening");
  return (server.address() as AddressInfo).port; // it listens at an address, and not at a path
}

const served = echo(listen);

const peer: Peer = {
  main: async (measurement) => {
    await measurement();
    endClients();
    for (const server of servers) server.close();
  },
  programs: {
    "echo-1k": served(1024),
    "echo-10k": served(10_240),
    "echo-100k": served(102_400),
    "connections-10k": held(listen, 1024),
  },
};

export default peer;
