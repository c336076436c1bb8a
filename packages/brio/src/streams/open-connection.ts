import type { Socket } from "node:net";
import type { Loop } from "../loop/loop.ts";
import { requireFrame } from "../tasks/awaitable.ts";
import { type ConnectOptions, connectTcp, connectUnix } from "./connect.ts";
import { StreamProtocol } from "./stream-protocol.ts";
import { checkLimit, DEFAULT_LIMIT, StreamReader } from "./stream-reader.ts";
import { StreamWriter } from "./stream-writer.ts";
import { Transport } from "./transport.ts";

/** How a connection is made and read. */
export interface OpenConnectionOptions extends ConnectOptions {
  /** The longest line, in bytes: see `StreamReader`. Default 65,536. */
  limit?: number | undefined;
}

/**
 * Connects to a host.
 *
 * *Cancel safety*: cancelled, no connection is left.
 *
 * @throws the system's error, with `code` such as `ECONNREFUSED`; what the TLS handshake fails with; TimeoutError if that
 * takes too long; TypeError or RangeError for bad arguments; RuntimeError outside a task.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { openConnection, startServer } from "brio/streams";
 *
 * await run(async () => {
 *   await using server = await startServer((_, writer) => writer.write("hello\n"), "127.0.0.1", 0);
 *   const [reader, writer] = await openConnection("127.0.0.1", server.port);
 *   await using _ = writer;
 *   console.log((await reader.readLine()).toString()); // hello
 * });
 * ```
 */
export async function openConnection(
  host: string,
  port: number,
  options: OpenConnectionOptions = {},
): Promise<[reader: StreamReader, writer: StreamWriter]> {
  const { loop } = requireFrame("openConnection()");
  checkLimit(options.limit ?? DEFAULT_LIMIT);
  return streams(loop, await connectTcp(host, port, options), options);
}

/**
 * Connects to a Unix socket. Like {@link openConnection} otherwise.
 *
 * *Cancel safety*: cancelled, no connection is left.
 *
 * @throws as {@link openConnection}, with `code` such as `ENOENT` or, if the server is gone, `ECONNREFUSED`.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { openUnixConnection } from "brio/streams";
 *
 * await run(async () => {
 *   try {
 *     const [reader, writer] = await openUnixConnection("/var/run/docker.sock");
 *     await using _ = writer;
 *     writer.write("GET /version HTTP/1.0\r\n\r\n");
 *     console.log((await reader.readLine()).toString()); // such as HTTP/1.0 200 OK
 *   } catch (error) {
 *     if (!(error instanceof Error && "code" in error)) throw error;
 *     console.log(error.code); // such as ENOENT: there is no such server
 *   }
 * });
 * ```
 */
export async function openUnixConnection(
  path: string,
  options: OpenConnectionOptions = {},
): Promise<[reader: StreamReader, writer: StreamWriter]> {
  const { loop } = requireFrame("openUnixConnection()");
  checkLimit(options.limit ?? DEFAULT_LIMIT);
  return streams(loop, await connectUnix(path, options), options);
}

function streams(loop: Loop, socket: Socket, options: OpenConnectionOptions): [StreamReader, StreamWriter] {
  const reader = new StreamReader({ limit: options.limit });
  const protocol = new StreamProtocol(reader);
  const transport = new Transport(loop, socket, protocol, null);
  transport.begin();
  return [reader, new StreamWriter(transport, protocol, false)];
}
