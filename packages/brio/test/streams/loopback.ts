import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getRunningLoop, type RunOptions, run } from "brio";
import type { StreamReader, StreamWriter } from "brio/streams";
import { onTestFinished } from "vitest";
import { name } from "../compose/trace.ts";

export const HOST = "127.0.0.1";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

/** Does Node know of `reusePort`? */
export const sharesPorts: boolean = major > 22 || (major === 22 && minor >= 12);

/** Adds an event to the trace. */
export type Note = (event: string) => void;

/**
 * Runs a program on a real loop, and gives the events that it noted, in order. What the loop reports is an event too: a test
 * that expects none fails.
 */
export async function events(program: (note: Note) => unknown, options: RunOptions = {}): Promise<string[]> {
  const noted: string[] = [];
  const note: Note = (event) => void noted.push(event);
  await run(async () => {
    getRunningLoop().setExceptionHandler((_loop, { message, exception }) =>
      note(`reported: ${message}${exception === undefined ? "" : ` ${name(exception)}`}`),
    );
    await program(note);
  }, options);
  return noted;
}

/** A connection that is not brio's: Node's, which reads nothing until it is told to. Closed when the test is over. */
export async function nodeClient(port: number, host = "127.0.0.1"): Promise<Socket> {
  const socket = connect({ port, host, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  socket.on("error", () => {});
  return socket;
}

/** A server that is not brio's: its port, and each of its connections as it comes. Closed when the test is over. */
export async function nodeServer(
  accepted: (socket: Socket) => void = () => {},
  host = "127.0.0.1",
): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    accepted(socket);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, host);
  await once(server, "listening");
  return (server.address() as AddressInfo).port; // it is a TCP server
}

/** A port at which nobody listens. */
export async function deadPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // it is a TCP server
  server.close();
  await once(server, "close");
  return port;
}

/** A folder of its own for the test. Removed when it is over. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "brio-streams-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** All that comes on a socket until the other side ends. */
export async function textOf(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  socket.resume(); // it may have been paused since it stands
  if (!socket.readableEnded) await once(socket, "end"); // rejects if it fails
  return text;
}

/** The bytes of `size` letters. */
export function letters(size: number, letter = "x"): Buffer {
  return Buffer.alloc(size, letter);
}

/** Gives back what comes, until that ends. */
export async function echo(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const chunk of reader.chunks()) {
    writer.write(chunk);
    await writer.drain();
  }
}
