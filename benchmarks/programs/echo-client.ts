/**
 * A client of the echo rows, in a process of its own: node echo-client.ts PORT SIZE CONNECTIONS [ACTIVE]. For each number on
 * a line of its standard input, every connection (or the first ACTIVE ones) sends so many messages, each when the one before
 * has come back whole; then it prints "done", or how many connections were lost. It is nobody's peer: plain node:net.
 */
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";

const [port = 0, size = 0, connections = 0, active = connections] = process.argv.slice(2).map(Number);
const message = Buffer.alloc(size, "a");
/** How many connect at once: fewer than a server lets stand in line. */
const TOGETHER = 50;

function open(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true }, () => resolve(socket));
    socket.once("error", reject);
    socket.once("close", () => lost++);
  });
}

const sockets: Socket[] = [];
let lost = 0;
while (sockets.length < connections) {
  const count = Math.min(TOGETHER, connections - sockets.length);
  sockets.push(...(await Promise.all(Array.from({ length: count }, open))));
}

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
  await Promise.all(sockets.slice(0, active).map((socket) => exchange(socket, Number(line))));
  console.log(lost === 0 ? "done" : `${lost} connections were lost`);
}
for (const socket of sockets) socket.destroy();
