import type { Socket } from "node:net";
import { ambient, type Frame } from "../loop/ambient.ts";
import type { Loop } from "../loop/loop.ts";
import { type ConnectOptions, connectTcp, connectUnix } from "./connect.ts";
import { type Endpoint, tcpEndpoints, unixEndpoints } from "./listener.ts";
import type { Protocol } from "./protocol.ts";
import { protocolFrame } from "./protocol-calls.ts";
import { Server } from "./server.ts";
import type { ServerOptions } from "./server-options.ts";
import { Transport } from "./transport.ts";

/**
 * Connects to a host, and has a protocol told of what happens: asyncio's low-level pair.
 *
 * *Cancel safety*: cancelled, no connection is left.
 *
 * @throws as {@link openConnection}; what `protocolFactory` throws.
 *
 * @example
 * ```ts
 * import { getRunningLoop, run } from "brio";
 * import { createConnection, createServer, type Protocol, type Transport } from "brio/streams";
 *
 * class Echo implements Protocol {
 *   private transport: Transport | undefined;
 *
 *   connectionMade(transport: Transport): void {
 *     this.transport = transport;
 *   }
 *
 *   dataReceived(data: Buffer): void {
 *     this.transport?.write(data);
 *   }
 * }
 *
 * await run(async () => {
 *   await using server = await createServer(() => new Echo(), "127.0.0.1", 0);
 *   const answer = getRunningLoop().createFuture<string>();
 *   const [transport] = await createConnection(
 *     () => ({ dataReceived: (data: Buffer) => answer.setResult(data.toString()) }),
 *     "127.0.0.1",
 *     server.port,
 *   );
 *   transport.write("hello");
 *   console.log(await answer); // hello
 *   transport.close();
 * });
 * ```
 */
export async function createConnection<P extends Protocol>(
  protocolFactory: () => P,
  host: string,
  port: number,
  options: ConnectOptions = {},
): Promise<[transport: Transport, protocol: P]> {
  const { loop, frame } = protocolFrame("createConnection()", protocolFactory);
  return connected(loop, await connectTcp(host, port, options), protocolFactory, frame);
}

/**
 * Like {@link createConnection}, to a Unix socket.
 *
 * *Cancel safety*: cancelled, no connection is left.
 *
 * @throws as {@link createConnection}.
 *
 * @example
 * ```ts
 * import { mkdtemp, rm } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 * import { getRunningLoop, run } from "brio";
 * import { createUnixConnection, createUnixServer } from "brio/streams";
 *
 * const folder = await mkdtemp(join(tmpdir(), "example-"));
 * await run(async () => {
 *   const path = join(folder, "greetings.sock");
 *   await using server = await createUnixServer(
 *     () => ({ connectionMade: (transport) => transport.write("hello") }),
 *     path,
 *   );
 *   const answer = getRunningLoop().createFuture<string>();
 *   const [transport] = await createUnixConnection(
 *     () => ({ dataReceived: (data: Buffer) => answer.setResult(data.toString()) }),
 *     path,
 *   );
 *   console.log(await answer, server.statistics().accepted); // hello 1
 *   transport.close();
 * });
 * await rm(folder, { recursive: true });
 * ```
 */
export async function createUnixConnection<P extends Protocol>(
  protocolFactory: () => P,
  path: string,
  options: ConnectOptions = {},
): Promise<[transport: Transport, protocol: P]> {
  const { loop, frame } = protocolFrame("createUnixConnection()", protocolFactory);
  return connected(loop, await connectUnix(path, options), protocolFactory, frame);
}

/**
 * Listens at a host and port, and makes a protocol for each connection. What `protocolFactory` throws is reported to the
 * loop's exception handler, and the connection closed.
 *
 * *Cancel safety*: cancelled, it listens nowhere.
 *
 * @param host as that of {@link startServer}
 * @param port 0: any that is free; `server.port` says which
 *
 * @throws as {@link startServer}.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { createServer, openConnection, type Transport } from "brio/streams";
 *
 * const welcome = () => ({
 *   connectionMade(transport: Transport) {
 *     transport.write("welcome\n");
 *     transport.close();
 *   },
 * });
 *
 * await run(async () => {
 *   await using server = await createServer(welcome, "127.0.0.1", 0);
 *   const [reader, writer] = await openConnection("127.0.0.1", server.port);
 *   await using _ = writer;
 *   console.log((await reader.read()).toString().trim()); // welcome
 * });
 * ```
 */
export async function createServer(
  protocolFactory: () => Protocol,
  host: string | readonly string[] | null,
  port: number,
  options: ServerOptions = {},
): Promise<Server> {
  const { loop, frame } = protocolFrame("createServer()", protocolFactory);
  return await serve(loop, protocolFactory, frame, tcpEndpoints(host, port), options);
}

/**
 * Like {@link createServer}, at a Unix socket. A file that a server has left there is removed before, and the server's own
 * when it is closed.
 *
 * *Cancel safety*: cancelled, it listens nowhere.
 *
 * @throws as {@link createServer}.
 *
 * @example
 * ```ts
 * import { mkdtemp, rm } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 * import { run } from "brio";
 * import { createUnixServer, openUnixConnection } from "brio/streams";
 *
 * const folder = await mkdtemp(join(tmpdir(), "example-"));
 * await run(async () => {
 *   const path = join(folder, "time.sock");
 *   await using server = await createUnixServer(
 *     () => ({ connectionMade: (transport) => transport.write("late\n") }),
 *     path,
 *   );
 *   const [reader, writer] = await openUnixConnection(path);
 *   await using _ = writer;
 *   console.log((await reader.readLine()).toString().trim(), server.statistics().accepted); // late 1
 * });
 * await rm(folder, { recursive: true });
 * ```
 */
export async function createUnixServer(
  protocolFactory: () => Protocol,
  path: string,
  options: ServerOptions = {},
): Promise<Server> {
  const { loop, frame } = protocolFrame("createUnixServer()", protocolFactory);
  return await serve(loop, protocolFactory, frame, unixEndpoints(path), options);
}

function connected<P extends Protocol>(
  loop: Loop,
  socket: Socket,
  protocolFactory: () => P,
  frame: Frame,
): [Transport, P] {
  try {
    const protocol = protocolFactory();
    const transport = new Transport(loop, socket, protocol, frame);
    transport.begin();
    return [transport, protocol];
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function serve(
  loop: Loop,
  protocolFactory: () => Protocol,
  frame: Frame,
  endpoints: readonly Endpoint[],
  options: ServerOptions,
): Promise<Server> {
  const accept = (socket: Socket): Transport => connected(loop, socket, protocolFactory, frame)[0];
  const server = new Server(loop, endpoints, options, (socket) => ambient.run(frame, accept, socket));
  if (options.startServing ?? true) await server.startServing();
  return server;
}
