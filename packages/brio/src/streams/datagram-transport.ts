import type { RemoteInfo, Socket } from "node:dgram";
import { isIP } from "node:net";
import process from "node:process";
import { inspect } from "node:util";
import type { Frame } from "../loop/ambient.ts";
import { bytesOf } from "../loop/bytes.ts";
import type { Loop, Resource } from "../loop/loop.ts";
import {
  checkTarget,
  type DatagramOptions,
  type DatagramTarget,
  openSocket,
  socketAddress,
} from "./datagram-address.ts";
import type { SocketAddress } from "./dns.ts";
import { errorOf, protocolFrame, tellProtocol } from "./protocol-calls.ts";
import { WATER_MARKS, type WaterMarks, type WriteLimits, waterMarks } from "./water-marks.ts";

/**
 * What is told of a UDP socket's events: the low-level pair of asyncio. All methods are optional; they are called one at a
 * time, outside of any task, with the context variables of where the socket was asked for. What one of them throws is
 * reported to the loop's exception handler, and aborts the socket.
 */
export interface DatagramProtocol {
  /** The socket is open. First of all, and once. */
  connectionMade?(transport: DatagramTransport): void;
  /** A datagram has come. */
  datagramReceived?(data: Buffer, address: SocketAddress): void;
  /** The system has refused a datagram, or has been told that one did not arrive. The socket stays open. */
  errorReceived?(error: Error): void;
  /** The socket is closed: last of all, and once. `error` is null if it was closed in order. */
  connectionLost?(error: Error | null): void;
  /** More than the high-water mark waits to be sent. */
  pauseWriting?(): void;
  /** No more than the low-water mark is left of that. */
  resumeWriting?(): void;
}

/** What can be asked of a UDP socket. */
export interface DatagramInfo {
  /** This side's address. */
  readonly sockname: SocketAddress;
  /** The other side's, of a connected socket. */
  readonly peername: SocketAddress;
  /** Node's own socket, for what brio does not cover. */
  readonly socket: Socket;
}

/** What a datagram counts besides its bytes, so that empty ones count as well: asyncio's figure. */
const HEADER = 8;

/*
 * A transport's states
 *
 *   open ── close() ───> closing (what was to be sent is sent, nothing more is received) ──> lost
 *     └──── abort(), the end of the loop ─────────────────────────────────────────────────> lost
 *
 * `lost` is entered once, when Node has closed the socket; the protocol is told at the loop's next turn.
 */
type State = "open" | "closing" | "lost";

/**
 * A UDP socket, as a protocol sees it: it takes datagrams and never waits. Made by {@link createDatagramEndpoint}.
 *
 * @example
 * ```ts
 * import { getRunningLoop, run } from "brio";
 * import { createDatagramEndpoint } from "brio/streams";
 *
 * await run(async () => {
 *   const arrived = getRunningLoop().createFuture<string>();
 *   const protocol = { datagramReceived: (data: Buffer) => arrived.setResult(data.toString()) };
 *   const [server] = await createDatagramEndpoint(() => protocol, { localAddress: "127.0.0.1" });
 *   const [client] = await createDatagramEndpoint(() => ({}), { family: 4 });
 *   client.sendTo("hello", server.getExtraInfo("sockname"));
 *   console.log(await arrived); // hello
 *   client.close();
 *   server.close();
 * });
 * ```
 */
export class DatagramTransport implements Resource {
  private readonly loop: Loop;
  private readonly socket: Socket;
  private readonly family: 4 | 6;
  private readonly remote: SocketAddress | undefined;
  private readonly local: SocketAddress;
  private protocol: DatagramProtocol;
  /** What the protocol's methods run in; null if they are brio's own. */
  private readonly frame: Frame | null;
  private state: State = "open";
  private shut = false;
  private error: Error | null = null;
  private queued = 0;
  private inFlight = 0;
  private writingPaused = false;
  private marks: WaterMarks = WATER_MARKS;

  /** @internal The socket is bound; `begin` comes next. */
  constructor(loop: Loop, socket: Socket, family: 4 | 6, protocol: DatagramProtocol, frame: Frame | null) {
    this.loop = loop;
    this.socket = socket;
    this.family = family;
    this.protocol = protocol;
    this.frame = frame;
    this.local = socketAddress(socket.address());
    this.remote = remoteOf(socket);
    loop.resources.add(this);
  }

  /** @internal */
  begin(): void {
    const { socket } = this;
    socket.on("message", this.received);
    socket.on("error", this.failed);
    socket.on("close", this.closed);
    this.tell("connectionMade", this);
  }

  private readonly received = (data: Buffer, sender: RemoteInfo): void => {
    if (this.state === "open") this.tell("datagramReceived", data, socketAddress(sender));
  };

  private readonly failed = (error: Error): void => {
    if (this.state === "open") this.tell("errorReceived", error);
  };

  // -- sending -------------------------------------------------------------------------------------------

  /**
   * Sends a datagram (text as UTF-8; an empty one is one), or keeps it until it can be sent. Never waits. What the system
   * refuses it with goes to the protocol's `errorReceived`. On a socket that is being closed, it is dropped.
   *
   * @param address where to, by number; none, or that of the other side, if the socket is connected
   *
   * @throws TypeError or RangeError for bad arguments.
   */
  sendTo(data: Uint8Array | string, address?: DatagramTarget): void {
    const bytes = bytesOf(data);
    const target = this.checkTarget(address, "sendTo()");
    if (this.state === "open") this.post(bytes, target, (error) => error !== null && this.failed(error));
  }

  /** @internal Where a datagram goes to; null: to the other side of a connected socket. */
  checkTarget(target: DatagramTarget | undefined, caller: string): DatagramTarget | null {
    const { remote, family } = this;
    if (remote !== undefined) {
      if (target === undefined || (target.address === remote.address && target.port === remote.port))
        return null;
      throw new RangeError(
        `this socket is connected to ${remote.address} port ${remote.port}, and sends nowhere else; got ${inspect(target)}`,
      );
    }
    checkTarget(target, caller);
    if (isIP(target.address) === family) return target;
    throw new RangeError(
      `address must be an IPv${family} address, as the socket's own (getaddrinfo() gives those of a name); got ${inspect(target.address)}`,
    );
  }

  /** @internal Sends a datagram; `done` is told what came of it, later. */
  post(data: Uint8Array, target: DatagramTarget | null, done: (error: Error | null) => void): void {
    const size = data.length + HEADER;
    this.queued += size;
    this.inFlight++;
    this.checkHigh();
    const sent = (error: Error | null): void => {
      this.queued -= size;
      this.inFlight--;
      done(error);
      this.checkLow();
      if (this.state === "closing" && this.inFlight === 0) this.shutSocket();
    };
    const settled = (error: Error | null | undefined): void => sent(error ?? null);
    try {
      if (target === null) this.socket.send(data, settled);
      else this.socket.send(data, target.port, target.address, settled);
    } catch (error) {
      process.nextTick(sent, error);
    }
  }

  /** How much waits to be sent, in bytes; each datagram counts 8 more than it has. */
  getWriteBufferSize(): number {
    return this.queued;
  }

  /** The marks of {@link setWriteBufferLimits}: low, then high. */
  getWriteBufferLimits(): [low: number, high: number] {
    const { low, high } = this.marks;
    return [low, high];
  }

  /**
   * Sets how many bytes may wait to be sent before the protocol is told to pause, and how few before it may go on. Default
   * 64 KiB, and a quarter of it; given only one, the other is four times as much or a quarter.
   *
   * @throws RangeError unless high >= low >= 0.
   */
  setWriteBufferLimits(limits: WriteLimits = {}): void {
    this.marks = waterMarks(limits);
    this.checkHigh();
  }

  private checkHigh(): void {
    if (this.writingPaused || this.queued <= this.marks.high) return;
    this.writingPaused = true;
    this.tell("pauseWriting");
  }

  private checkLow(): void {
    if (!this.writingPaused || this.state === "lost" || this.queued > this.marks.low) return;
    this.writingPaused = false;
    this.tell("resumeWriting");
  }

  // -- the end -------------------------------------------------------------------------------------------

  /** Is it being closed, or closed? */
  isClosing(): boolean {
    return this.state !== "open";
  }

  /** Receives no more, sends what was to be sent, and closes the socket then. Does not wait for that. */
  close(): void {
    if (this.state !== "open") return;
    this.state = "closing";
    if (this.inFlight === 0) this.shutSocket();
  }

  /** Closes the socket at once; what was not sent yet is dropped. */
  abort(): void {
    if (this.state === "lost") return;
    this.state = "closing";
    this.shutSocket();
  }

  /** @internal A protocol that is not brio's own may do anything with what comes. */
  get callsIn(): boolean {
    return this.frame !== null;
  }

  /** @internal */
  loopCloses(): void {
    this.abort();
  }

  private shutSocket(): void {
    if (this.shut) return;
    this.shut = true;
    this.socket.close();
  }

  private readonly closed = (): void => {
    this.state = "lost";
    this.loop.resources.delete(this);
    const { error } = this;
    if (!this.loop.isClosed()) this.loop.soon(() => this.tell("connectionLost", error));
  };

  // -- what it is about ----------------------------------------------------------------------------------

  /** Particulars of the socket; undefined where there is no such thing. @throws RangeError for an unknown name. */
  getExtraInfo<N extends keyof DatagramInfo>(name: N): DatagramInfo[N] | undefined {
    const known: { readonly [M in keyof DatagramInfo]: DatagramInfo[M] | undefined } = {
      sockname: this.local,
      peername: this.remote,
      socket: this.socket,
    };
    if (Object.hasOwn(known, name)) return known[name];
    throw new RangeError(`there is no extra info "${name}"; there are ${Object.keys(known).join(", ")}`);
  }

  /** What is told of the events. */
  getProtocol(): DatagramProtocol {
    return this.protocol;
  }

  /** Has another protocol told from now on. */
  setProtocol(protocol: DatagramProtocol): void {
    this.protocol = protocol;
  }

  private tell<M extends keyof DatagramProtocol>(
    method: M,
    ...args: Parameters<NonNullable<DatagramProtocol[M]>>
  ): void {
    tellProtocol(this.protocol, method, args, this.frame, (exception) => {
      const message = `protocol.${method}() failed: the socket is closed`;
      this.loop.callExceptionHandler({ message, exception });
      this.error ??= errorOf(exception);
      this.abort();
    });
  }

  toString(): string {
    const { local, remote, state } = this;
    const where = `${local.address} port ${local.port}`;
    return `<UDP socket at ${where}${remote === undefined ? "" : `, to ${remote.address} port ${remote.port}`}, ${state}>`;
  }
}

/** Node throws if a socket is not connected. */
function remoteOf(socket: Socket): SocketAddress | undefined {
  try {
    return socketAddress(socket.remoteAddress());
  } catch {
    return undefined;
  }
}

/**
 * Opens a UDP socket, and has a protocol told of what happens: asyncio's low-level pair. See {@link openDatagram} for one
 * that can be awaited.
 *
 * *Cancel safety*: cancelled, no socket is left.
 *
 * @throws the system's error, with `code` such as `EADDRINUSE`; TypeError or RangeError for bad arguments; RuntimeError
 * outside a task.
 *
 * @example
 * ```ts
 * import { getRunningLoop, run } from "brio";
 * import { createDatagramEndpoint } from "brio/streams";
 *
 * await run(async () => {
 *   const got = getRunningLoop().createFuture<string>();
 *   const [receiver] = await createDatagramEndpoint(
 *     () => ({ datagramReceived: (data) => got.setResult(data.toString()) }),
 *     { localAddress: "127.0.0.1" },
 *   );
 *   const [sender] = await createDatagramEndpoint(() => ({}), { family: 4 });
 *   sender.sendTo("hello", receiver.getExtraInfo("sockname"));
 *   console.log(await got); // hello
 *   sender.close();
 *   receiver.close();
 * });
 * ```
 */
export async function createDatagramEndpoint<P extends DatagramProtocol>(
  protocolFactory: () => P,
  options: DatagramOptions = {},
): Promise<[transport: DatagramTransport, protocol: P]> {
  const { loop, frame } = protocolFrame("createDatagramEndpoint()", protocolFactory);
  return await openSocket("createDatagramEndpoint()", options, (socket, family) => {
    const protocol = protocolFactory();
    const transport = new DatagramTransport(loop, socket, family, protocol, frame);
    transport.begin();
    return [transport, protocol] as [DatagramTransport, P];
  });
}
