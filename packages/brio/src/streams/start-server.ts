import { ambient, frameForCallback } from "../loop/ambient.ts";
import { requireFrame } from "../tasks/awaitable.ts";
import { spawn } from "../tasks/create-task.ts";
import type { Future } from "../tasks/future.ts";
import { Observer } from "../tasks/listeners.ts";
import type { Task } from "../tasks/task.ts";
import { type Endpoint, tcpEndpoints, unixEndpoints } from "./listener.ts";
import { Server } from "./server.ts";
import type { ServerOptions } from "./server-options.ts";
import { StreamProtocol } from "./stream-protocol.ts";
import { checkLimit, DEFAULT_LIMIT, StreamReader } from "./stream-reader.ts";
import { StreamWriter } from "./stream-writer.ts";
import { Transport } from "./transport.ts";

/** What a server does for a connection: the connection is closed when it has ended. */
export type ConnectionHandler = (
  reader: StreamReader,
  writer: StreamWriter,
) => PromiseLike<unknown> | unknown;

/** How a server of streams listens and reads. */
export interface StreamServerOptions extends ServerOptions {
  /** The longest line, in bytes: see `StreamReader`. Default 65,536. */
  limit?: number | undefined;
}

/**
 * Listens at a host and port, and runs `handler` in a task of its own for each connection. When it has ended, what it wrote
 * is sent and the connection is closed; what it throws is reported to the loop's exception handler. Only that the client has
 * gone away (the error that its own connection was lost with, such as `ECONNRESET` or `EPIPE`) is no news: it is counted
 * (`server.statistics().lost`), and reported in debug mode.
 *
 * *Cancel safety*: cancelled, it listens nowhere.
 *
 * @param host a name or address, or several; `""` or null: all of the machine's
 * @param port 0: any that is free; `server.port` says which
 *
 * @throws what the system refuses it with, such as `EADDRINUSE`; TypeError or RangeError for bad arguments; RuntimeError
 * outside a loop.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { openConnection, startServer } from "brio/streams";
 *
 * await run(async () => {
 *   await using server = await startServer(
 *     async (reader, writer) => {
 *       for await (const line of reader) {
 *         writer.write(`you said ${line}`);
 *         await writer.drain();
 *       }
 *     },
 *     "127.0.0.1",
 *     0,
 *   );
 *   const [reader, writer] = await openConnection("127.0.0.1", server.port);
 *   await using _ = writer;
 *   writer.write("hello\n");
 *   console.log((await reader.readLine()).toString().trim()); // you said hello
 * });
 * ```
 */
export async function startServer(
  handler: ConnectionHandler,
  host: string | readonly string[] | null,
  port: number,
  options: StreamServerOptions = {},
): Promise<Server> {
  return await start("startServer()", handler, tcpEndpoints(host, port), options);
}

/**
 * Like {@link startServer}, at a Unix socket. A file that a server has left there is removed before, and the server's own
 * when it is closed.
 *
 * *Cancel safety*: cancelled, it listens nowhere.
 *
 * @throws as {@link startServer}: `EADDRINUSE` if a server that lives, or another kind of file, is at `path`.
 *
 * @example
 * ```ts
 * import { mkdtemp, rm } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 * import { run } from "brio";
 * import { openUnixConnection, startUnixServer } from "brio/streams";
 *
 * const folder = await mkdtemp(join(tmpdir(), "example-"));
 * await run(async () => {
 *   const path = join(folder, "answers.sock");
 *   await using server = await startUnixServer((_, writer) => writer.write("42\n"), path);
 *   console.log(server.isServing()); // true
 *   const [reader, writer] = await openUnixConnection(path);
 *   await using _ = writer;
 *   console.log((await reader.readLine()).toString().trim()); // 42
 * });
 * await rm(folder, { recursive: true });
 * ```
 */
export async function startUnixServer(
  handler: ConnectionHandler,
  path: string,
  options: StreamServerOptions = {},
): Promise<Server> {
  return await start("startUnixServer()", handler, unixEndpoints(path), options);
}

async function start(
  caller: string,
  handler: ConnectionHandler,
  endpoints: readonly Endpoint[],
  options: StreamServerOptions,
): Promise<Server> {
  const { loop } = requireFrame(caller);
  if (typeof handler !== "function") {
    throw new TypeError(
      `${caller} takes a function for its connections: ${caller.replace("()", "(async (reader, writer) => { ... }, ...)")}`,
    );
  }
  const frame = frameForCallback(loop);
  const { limit = DEFAULT_LIMIT } = options;
  checkLimit(limit);
  const server = new Server(loop, endpoints, options, (socket, server) => {
    const reader = new StreamReader({ limit });
    const protocol = new StreamProtocol(reader);
    const transport = new Transport(loop, socket, protocol, null);
    transport.begin();
    const body = () => handler(reader, new StreamWriter(transport, protocol, true));
    const task = ambient.run(frame, () => spawn(loop, body, { name: "connection" }, caller));
    server.adopt(task);
    task.observe(new HandlerEnd(server, transport, protocol));
    return transport;
  });
  if (options.startServing ?? true) await server.startServing();
  return server;
}

/** Sees to a connection whose handler has ended. (Code around each handler would cost every connection more memory.) */
class HandlerEnd extends Observer {
  private readonly server: Server;
  private readonly transport: Transport;
  private readonly protocol: StreamProtocol;

  constructor(server: Server, transport: Transport, protocol: StreamProtocol) {
    super();
    this.server = server;
    this.transport = transport;
    this.protocol = protocol;
  }

  override settled(task: Future<unknown>): void {
    if (task.rejected) this.failed(task.exception());
    this.transport.close();
    this.server.release(task as Task<unknown>); // it observes nothing else
  }

  private failed(exception: unknown): void {
    const { server, protocol } = this;
    const loop = server.getLoop();
    const loss = protocol.isLoss(exception);
    this.transport.abort();
    if (loss) server.lost++;
    // That clients go away is every server's daily life.
    if (loss && !loop.debug) return;
    const message = loss
      ? "A connection was lost while its handler was at work"
      : "Unhandled exception in the handler of a connection";
    loop.callExceptionHandler({ message, exception });
  }
}
