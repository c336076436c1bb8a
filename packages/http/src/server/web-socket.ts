import type { Socket } from "node:net";
import { inspect } from "node:util";
import { CancelledError, Event, interruptible, Queue, type Task, uncancellable } from "brio";
import { currentRequest } from "./request-task.ts";
import type { RequestTasks } from "./request-tasks.ts";

/** A WebSocket as the package `ws` makes it, and what is built on that hands it on: `@fastify/websocket`, ... */
export interface WebSocketLike {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: string | Uint8Array, sent: (error?: Error | null) => void): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
  pause(): void;
  resume(): void;
  on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): unknown;
  on(event: "close" | "error", listener: (...args: unknown[]) => void): unknown;
}

const OPEN = 1;
/** How many messages may wait for the handler before no more are read. */
const AHEAD = 16;
/** How many bytes may wait for the client before `send` waits as well. */
const HIGH = 64 * 1024;

const GOING_AWAY = 1001;
const INTERNAL_ERROR = 1011;

/**
 * The other end of a WebSocket, as its handler has it: `for await` gives its messages, texts as strings. The loop ends when the
 * server begins to stop; when the client goes, the handler's task is cancelled.
 *
 * Back-pressure goes both ways: while messages wait for the handler, no more are read; while the client reads too slowly, `send`
 * waits.
 */
export class ServerSocket implements AsyncIterable<string | Buffer> {
  private readonly socket: WebSocketLike;
  private readonly messages = new Queue<string | Buffer>();
  private readonly gone = new Event();
  private paused = false;
  private draining = false;
  private code: number | null = null;

  /** @internal */
  constructor(socket: WebSocketLike, closed: () => void) {
    this.socket = socket;
    socket.on("message", (data, isBinary) => this.received(isBinary ? data : data.toString("utf8")));
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => {
      this.gone.set();
      closed();
    });
    if (socket.readyState !== OPEN) {
      this.gone.set();
      closed();
    }
  }

  private received(message: string | Buffer): void {
    if (this.draining) return;
    this.messages.putNowait(message);
    if (this.messages.qsize() < AHEAD || this.paused) return;
    this.paused = true;
    this.socket.pause();
  }

  /**
   * The messages, until the server begins to stop.
   *
   * *Cancel safety*: cancelled while it waits, it has taken no message.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<string | Buffer, void, undefined> {
    for await (const message of this.messages) {
      if (this.paused && this.messages.empty()) {
        this.paused = false;
        this.socket.resume();
      }
      yield message;
    }
  }

  /**
   * Sends a message; waits while more than 64 KiB have not been taken by the client.
   *
   * *Cancel safety*: cancelled while it waits, the message is sent all the same, unless the connection ends before.
   *
   * @throws TypeError if it is neither text nor bytes; what `ws` throws if the connection is closed.
   */
  async send(message: string | Uint8Array): Promise<void> {
    if (typeof message !== "string" && !(message instanceof Uint8Array))
      throw new TypeError(
        `send() takes a text or bytes: send(JSON.stringify(value)); got ${inspect(message)}`,
      );
    const sent = new Promise<void>((resolve, reject) => {
      this.socket.send(message, (error) => (error ? reject(error) : resolve()));
    });
    // While there is room, nobody waits: how a send ends is told by the end of the connection.
    sent.catch(() => {});
    if (this.socket.bufferedAmount > HIGH) await interruptible(sent);
  }

  /** Ends the connection after what was sent. Default: 1000, without a reason. */
  close(code = 1000, reason = ""): void {
    this.socket.close(code, reason);
  }

  /** @internal The server begins to stop: the loop over the messages ends. */
  drain(): void {
    if (this.draining) return;
    this.draining = true;
    this.messages.shutdown();
  }

  /** @internal The handler has failed. */
  failed(): void {
    this.code = INTERNAL_ERROR;
  }

  /** @internal Says goodbye, and waits for the client to answer that. */
  async end(): Promise<void> {
    this.socket.close(this.code ?? (this.draining ? GOING_AWAY : 1000));
    if (this.paused) this.socket.resume(); // or the goodbye of the client would not be read
    await this.gone.wait();
  }

  /** @internal */
  terminate(): void {
    this.socket.terminate();
  }
}

/**
 * Runs the handler of a WebSocket (of the package `ws`, or of what is built on it) as a task of the server. When the client
 * goes, the task is cancelled; when the handler has ended, the connection is closed: with 1011 if it has failed, which is
 * reported to `onError`. When the server begins to stop, the loop over the messages ends, and the connection is closed with 1001
 * after that. It has no time limit.
 *
 * @throws TypeError if it is no such WebSocket; RuntimeError if the server has ended.
 *
 * @example
 * ```ts
 * import type { AddressInfo } from "node:net";
 * import { openWebSocket } from "@brio/http";
 * import { brio, serveWebSocket } from "@brio/http/fastify";
 * import { interruptible, run } from "brio";
 * import fastify from "fastify";
 * import { WebSocketServer } from "ws";
 *
 * await run(async () => {
 *   const app = fastify();
 *   await app.register(brio);
 *   const server = new WebSocketServer({ server: app.server });
 *   server.on("connection", (socket) => {
 *     serveWebSocket(app.brio, socket, async (client) => {
 *       for await (const message of client) await client.send(`you said ${message}`);
 *     });
 *   });
 *   await interruptible(app.listen({ port: 0, host: "127.0.0.1" }));
 *   await using socket = await openWebSocket(`ws://127.0.0.1:${(app.server.address() as AddressInfo).port}`);
 *   await socket.send("hello");
 *   console.log((await socket.next()).value); // you said hello
 *   await socket.close();
 *   await app.close();
 * });
 * ```
 */
export function serveWebSocket(
  tasks: RequestTasks,
  socket: WebSocketLike,
  handler: (socket: ServerSocket) => PromiseLike<unknown>,
): Task<void> {
  if (typeof socket?.terminate !== "function" || typeof socket.pause !== "function") {
    throw new TypeError(
      `serveWebSocket() takes a WebSocket of the package ws, as its "connection" event gives it; got ${inspect(socket, { depth: 0 })}`,
    );
  }
  if (typeof handler !== "function")
    throw new TypeError(
      `serveWebSocket() takes a handler: async (socket) => { for await (const message of socket) ... }; got ${inspect(handler)}`,
    );
  // The request that it began as, if that is one of the server's.
  currentRequest.get()?.setTimeout(null);
  const { _socket: own = null } = socket as { _socket?: Socket | null }; // ws shows it there
  const connection = own === null ? null : tasks.connections.take(own);
  let task: Task<void> | null = null;
  let left = false;
  const served = new ServerSocket(socket, () => {
    left = true;
    if (connection !== null) tasks.connections.release(connection);
    task?.cancel("the client has gone");
  });
  const drain = (): void => served.drain();
  tasks.drainListeners.add(drain);
  task = tasks.background(() => handle(tasks, served, handler), { name: "WebSocket" });
  task.addDoneCallback(() => {
    tasks.drainListeners.delete(drain);
    served.terminate();
  });
  if (tasks.isDraining) served.drain();
  if (left) task.cancel("the client has gone");
  return task;
}

async function handle(
  tasks: RequestTasks,
  socket: ServerSocket,
  handler: (socket: ServerSocket) => PromiseLike<unknown>,
): Promise<void> {
  try {
    await handler(socket);
  } catch (error) {
    if (error instanceof CancelledError) throw error;
    tasks.report(error);
    socket.failed();
  } finally {
    await uncancellable(() => socket.end(), { grace: tasks.settings.grace });
  }
}
