/**
 * A client of the echo rows, in a process of its own: node echo-client.ts PORT SIZE CONNECTIONS. For each number on a line of
 * its standard input, every connection sends so many messages, each when the one before has come back whole; then it prints
 * a line. It is nobody's peer: plain node:net.
 */
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";

const [port = 0, size = 0, connections = 0] = process.argv.slice(2).map(Number);
const message = Buffer.alloc(size, "a");

const sockets = await Promise.all(
  Array.from(
    { length: connections },
    () =>
      new Promise<Socket>((resolve, reject) => {
        const socket = connect({ host: "127.0.0.1", port, noDelay: true }, () => resolve(socket));
        socket.once("error", reject);
      }),
  ),
);

function exchange(socket: Socket, messages: number): Promise<void> {
  return new Promise((resolve) => {
    let left = messages;
    let missing = size;
    const received = (data: Buffer): void => {
      missing -= data.length;
      if (missing > 0) return;
      if (missing < 0) throw new Error("more came back than was sent");
      missing = size;
      if (--left > 0) {
        socket.write(message);
        return;
      }
      socket.removeListener("data", received);
      resolve();
    };
    socket.on("data", received);
    socket.write(message);
  });
}

console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  await Promise.all(sockets.map((socket) => exchange(socket, Number(line))));
  console.log("done");
}
for (const socket of sockets) socket.destroy();
