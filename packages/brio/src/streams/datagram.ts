import type { Socket } from "node:dgram";
import { isIP } from "node:net";
import { inspect } from "node:util";
import { moveOnAfter } from "../cancel/cancel-scope.ts";
import { ambientScope, outsideTask } from "../cancel/scope.ts";
import { uncancellable } from "../cancel/uncancellable.ts";
import { bytesOf } from "../loop/bytes.ts";
import { requireFrame } from "../tasks/awaitable.ts";
import { type DatagramOptions, type DatagramTarget, openSocket } from "./datagram-address.ts";
import { type Datagram, Inbox, SocketClosedError } from "./datagram-inbox.ts";
import { Multicast } from "./datagram-multicast.ts";
import { Outbox } from "./datagram-outbox.ts";
import { type DatagramProtocol, DatagramTransport } from "./datagram-transport.ts";
import { getaddrinfo, type SocketAddress } from "./dns.ts";
import { Line } from "./line.ts";

/** How long the last of what was sent may take, when a socket is disposed of. */
const PATIENCE = "5s";

/** How a {@link DatagramSocket} is opened. */
export interface OpenDatagramOptions extends DatagramOptions {
  /** How many datagrams are kept until they are received; what comes beyond that is dropped and counted. Default 1,024. */
  queueSize?: number | undefined;
}

/** The state of a {@link DatagramSocket}. */
export interface DatagramStatistics {
  /** How many datagrams have come, and were not dropped. */
  readonly received: number;
  /** How many came when `queueSize` of them were waiting already, and are lost. */
  readonly dropped: number;
  /** How many wait to be received. */
  readonly queued: number;
  /** How many tasks wait in `receive`. */
  readonly receiving: number;
  /** How many the system has taken. */
  readonly sent: number;
  /** How many wait to be sent. */
  readonly sending: number;
  /** How many errors the system has reported of the socket. */
  readonly errors: number;
}

/**
 * A UDP socket: datagrams go and come whole, in any order, or not at all. Made by {@link openDatagram}.
 *
 * It keeps `queueSize` datagrams for its receivers. Several tasks may receive; each datagram goes to the one that has
 * waited longest.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { openDatagram } from "brio/streams";
 *
 * await run(async () => {
 *   await using server = await openDatagram({ localAddress: "127.0.0.1" });
 *   await using client = await openDatagram({ remoteAddress: "127.0.0.1", remotePort: server.port });
 *   await client.send("hello");
 *   const { data, address } = await server.receive();
 *   await server.send(data.toString().toUpperCase(), address);
 *   console.log((await client.receive()).data.toString()); // HELLO
 * });
 * ```
 */
export class DatagramSocket implements AsyncDisposable, AsyncIterable<Datagram> {
  /** Memberships in multicast groups. */
  readonly multicast: Multicast;
  private readonly transport: DatagramTransport;
  private readonly inbox: Inbox;
  private readonly outbox: Outbox;
  /** Those who wait until the socket is closed. */
  private readonly end = new Line("socket.waitClosed", this);
  private ended = false;
  private errors = 0;

  /** @internal Use {@link openDatagram}. */
  constructor(queueSize: number, open: (protocol: DatagramProtocol) => DatagramTransport) {
    this.inbox = new Inbox(queueSize, () => String(this.transport));
    this.outbox = new Outbox(() => this.transport);
    this.transport = open({
      datagramReceived: (data, address) => this.inbox.put({ data, address }),
      errorReceived: (error) => {
        this.errors++;
        this.inbox.fail(error);
      },
      pauseWriting: () => this.outbox.pause(),
      resumeWriting: () => this.outbox.resume(),
      connectionLost: () => {
        this.stop();
        this.outbox.lose();
        this.ended = true;
        this.end.grantAll();
      },
    });
    this.multicast = new Multicast(this.transport.getExtraInfo("socket") as Socket); // it always has one
  }

  // -- sending and receiving -----------------------------------------------------------------------------

  /**
   * Sends a datagram (text as UTF-8; an empty one is one), and waits until the system has taken it. That it arrives is not
   * said. While much is on its way, it waits in line before.
   *
   * *Cancel safety*: cancelled in line, it is not sent; after that, it is sent all the same.
   *
   * @param address where to: what `receive` gave, an address or a name; none if the socket is connected
   *
   * @throws the system's error, with `code` such as `EMSGSIZE` for one that is too large; {@link SocketClosedError};
   * TypeError or RangeError for bad arguments; RuntimeError outside a task.
   */
  async send(data: Uint8Array | string, address?: DatagramTarget): Promise<void> {
    const scope = ambientScope();
    if (scope === undefined) return await outsideTask("socket.send()");
    const bytes = bytesOf(data);
    const named = this.remoteAddress === undefined && isName(address);
    const numbered = named ? await this.resolve(address) : address;
    await this.outbox.send(scope, bytes, this.transport.checkTarget(numbered, "send()"));
  }

  private async resolve({ address, port }: DatagramTarget): Promise<SocketAddress | undefined> {
    const [first] = await getaddrinfo(address, port, { family: this.localAddress.family });
    return first;
  }

  /**
   * Waits for the next datagram.
   *
   * *Cancel safety*: nothing is lost: what had come goes to the next receiver.
   *
   * @throws what the system reports of the socket, each error to one receiver: on a connected socket `ECONNREFUSED`, if
   * nobody listens at the other side; {@link SocketClosedError}; RuntimeError outside a task.
   */
  receive(): Promise<Datagram> {
    const scope = ambientScope();
    return scope === undefined ? outsideTask("socket.receive()") : this.inbox.receive(scope);
  }

  /** Receives until the socket is closed. Leaving the loop does not close it. */
  [Symbol.asyncIterator](): AsyncIterator<Datagram, undefined, undefined> {
    return {
      next: async () => {
        try {
          return { done: false, value: await this.receive() };
        } catch (error) {
          if (error instanceof SocketClosedError) return { done: true, value: undefined };
          throw error;
        }
      },
    };
  }

  // -- the end -------------------------------------------------------------------------------------------

  /**
   * Sends what was handed over, and closes the socket then. Does not wait for that: see {@link waitClosed}. What has come
   * can still be received; who waits for more, or to send, is told with {@link SocketClosedError}.
   */
  close(): void {
    this.stop();
    this.transport.close();
  }

  private stop(): void {
    this.inbox.end();
    this.outbox.end();
  }

  /** Closes the socket at once; what was not sent yet is dropped. */
  abort(): void {
    this.stop();
    this.transport.abort();
  }

  /** Is it being closed, or closed? */
  isClosing(): boolean {
    return this.transport.isClosing();
  }

  /**
   * Waits until the socket is closed.
   *
   * *Cancel safety*: nothing is lost.
   */
  waitClosed(): Promise<void> {
    const scope = ambientScope();
    if (scope === undefined) return outsideTask("socket.waitClosed()");
    return this.end.wait(scope, this.ended);
  }

  /** Closes the socket and waits for that; at most five seconds, then what was not sent is dropped. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await uncancellable(
      async () => {
        await moveOnAfter(PATIENCE, () => this.waitClosed());
        this.abort();
        await this.waitClosed();
      },
      { grace: null },
    );
  }

  // -- about it ------------------------------------------------------------------------------------------

  /** This side's address. */
  get localAddress(): SocketAddress {
    return this.transport.getExtraInfo("sockname") as SocketAddress; // known as long as the transport
  }

  /** This side's port. */
  get port(): number {
    return this.localAddress.port;
  }

  /** The other side's address; undefined if the socket is not connected. */
  get remoteAddress(): SocketAddress | undefined {
    return this.transport.getExtraInfo("peername");
  }

  /** Its state. */
  statistics(): DatagramStatistics {
    const { inbox, outbox, errors } = this;
    return {
      received: inbox.received,
      dropped: inbox.dropped,
      queued: inbox.length,
      receiving: inbox.waiting,
      sent: outbox.sent,
      sending: outbox.length,
      errors,
    };
  }

  toString(): string {
    return String(this.transport);
  }
}

function isName(target: DatagramTarget | undefined): target is DatagramTarget {
  const { address } = target ?? {};
  return typeof address === "string" && address !== "" && isIP(address) === 0;
}

/**
 * Opens a UDP socket. Give it a `localPort` to be found by others, a remote address to talk to one other side, or neither.
 *
 * *Cancel safety*: cancelled, no socket is left.
 *
 * @throws the system's error, with `code` such as `EADDRINUSE`; TypeError or RangeError for bad arguments; RuntimeError
 * outside a task.
 *
 * @example
 * ```ts
 * import { createTask, run } from "brio";
 * import { openDatagram } from "brio/streams";
 *
 * await run(async () => {
 *   await using server = await openDatagram({ localAddress: "127.0.0.1" });
 *   createTask(async () => {
 *     for await (const { data, address } of server) await server.send(`you said ${data}`, address);
 *   });
 *   await using client = await openDatagram({ remoteAddress: "127.0.0.1", remotePort: server.port });
 *   await client.send("hello");
 *   console.log((await client.receive()).data.toString()); // you said hello
 * });
 * ```
 */
export async function openDatagram(options: OpenDatagramOptions = {}): Promise<DatagramSocket> {
  const { loop } = requireFrame("openDatagram()");
  const queueSize = options?.queueSize ?? 1024;
  if (!Number.isInteger(queueSize) || queueSize < 1)
    throw new RangeError(
      `queueSize must be a whole number of datagrams, at least 1; got ${inspect(queueSize)}`,
    );
  return await openSocket("openDatagram()", options, (socket, family) => {
    return new DatagramSocket(queueSize, (protocol) => {
      const transport = new DatagramTransport(loop, socket, family, protocol, null);
      transport.begin();
      return transport;
    });
  });
}
