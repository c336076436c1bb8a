import type { Socket } from "node:net";
import { interruptible } from "../cancel/foreign.ts";
import type { Frame } from "../loop/ambient.ts";
import { checkData } from "../loop/bytes.ts";
import { RuntimeError } from "../loop/errors.ts";
import type { Loop, Resource } from "../loop/loop.ts";
import { type ExtraInfo, extraInfo } from "./extra-info.ts";
import type { Protocol } from "./protocol.ts";
import { errorOf, tellProtocol } from "./protocol-calls.ts";
import type { ReadFlow } from "./stream-reader.ts";
import { WATER_MARKS, type WaterMarks, type WriteLimits, waterMarks } from "./water-marks.ts";

/*
 * A transport's states
 *
 *   open ── close() ───> closing (what was written is sent, nothing more is read) ──> lost
 *     └──── abort(), an error, the end of the loop ─────────────────────────────────> lost
 *
 * `lost` is entered once, when Node has closed the socket; the protocol is told at the loop's next turn.
 */
type State = "open" | "closing" | "lost";

const TRANSPORT: unique symbol = Symbol("brio.transport");

/** A socket knows its transport, so that all share the listeners below: closures for each would be a fifth of its memory. */
interface Carrier extends Socket {
  [TRANSPORT]: Transport;
}

/** Told when a transport's connection is gone, after its protocol. */
export interface TransportOwner {
  /** @internal */
  connectionGone(transport: Transport): void;
}

/**
 * A connection, as a protocol sees it: it takes bytes and never waits. When both sides have said that they send no more, it
 * is closed by itself.
 */
export class Transport implements ReadFlow, Resource {
  private socket: Socket;
  private protocol: Protocol;
  private readonly loop: Loop;
  /** What the protocol's methods run in; null if they are brio's own. */
  private readonly frame: Frame | null;
  private state: State = "open";
  private error: Error | null = null;
  private eofWritten = false;
  private writingPaused = false;
  private corked = false;
  /** @internal Was something written that is not sent? */ dropped = false;
  private readingPaused = false;
  private marks: WaterMarks = WATER_MARKS;
  private whenFlushed: (() => void) | null = null;
  /** @internal */ owner: TransportOwner | null = null;

  /** @internal */
  constructor(loop: Loop, socket: Socket, protocol: Protocol, frame: Frame | null) {
    this.loop = loop;
    this.socket = socket;
    this.protocol = protocol;
    this.frame = frame;
    loop.resources.add(this);
  }

  /** @internal The connection stands. */
  begin(): void {
    this.attach(this.socket); // what comes comes later: the protocol is told of the connection first
    this.tell("connectionMade", this);
  }

  private attach(socket: Socket): void {
    (socket as Carrier)[TRANSPORT] = this; // now it is one
    socket.on("error", Transport.on.error);
    socket.on("close", Transport.on.close);
    socket.on("drain", Transport.on.drain);
    if (socket.destroyed) {
      // It was lost before it got here, and may have said so already.
      this.error ??= socket.errored;
      if (socket.closed) this.closed();
      return;
    }
    socket.on("data", Transport.on.data);
    socket.on("end", Transport.on.end);
    if (this.readingPaused) socket.pause();
  }

  private static readonly on = {
    data(this: Socket, data: Buffer): void {
      (this as Carrier)[TRANSPORT].received(data);
    },
    end(this: Socket): void {
      (this as Carrier)[TRANSPORT].ended();
    },
    drain(this: Socket): void {
      (this as Carrier)[TRANSPORT].flushed();
    },
    error(this: Socket, error: Error): void {
      (this as Carrier)[TRANSPORT].failed(error);
    },
    close(this: Socket): void {
      (this as Carrier)[TRANSPORT].closed();
    },
  };

  // -- reading -------------------------------------------------------------------------------------------

  /** Is data handed to the protocol as it comes? */
  isReading(): boolean {
    return this.state === "open" && !this.readingPaused;
  }

  /** Hands over no data until {@link resumeReading}: the other side will have to wait. */
  pauseReading(): void {
    if (this.readingPaused || this.state !== "open") return;
    this.readingPaused = true;
    this.socket.pause();
  }

  /** Undoes {@link pauseReading}. */
  resumeReading(): void {
    if (!this.readingPaused || this.state !== "open") return;
    this.readingPaused = false;
    this.socket.resume();
  }

  private received(data: Buffer): void {
    if (this.state !== "open") return;
    if (this.frame !== null) {
      this.tell("dataReceived", data);
      return;
    }
    // brio's own protocol: it runs nobody's code, and throws nothing. Who waits for the data runs at once, without the
    // detour that an event would make otherwise.
    const entered = this.loop.enter();
    this.protocol.dataReceived?.(data);
    if (entered) this.loop.leave();
  }

  private ended(): void {
    if (this.state !== "open") return;
    if (this.tell("eofReceived") !== true) this.close();
  }

  // -- writing -------------------------------------------------------------------------------------------

  /**
   * Sends bytes (text as UTF-8), or keeps them until they can be sent. Never waits. What is written to a connection that is
   * being closed, or is gone, is dropped. The bytes must not be changed before they are sent: they are not copied.
   *
   * @throws TypeError if `data` is neither; RuntimeError after {@link writeEof}.
   */
  write(data: Uint8Array | string): void {
    checkData(data);
    if (this.eofWritten)
      throw new RuntimeError("write() after writeEof(): this side has said that it sends no more");
    if (data.length === 0) return;
    if (this.state !== "open") {
      this.dropped = true;
      return;
    }
    // With a backlog, the socket says when each part of it is gone.
    if (this.socket.writableLength > 0) this.socket.write(data, this.afterWrite());
    else this.socket.write(data);
    if (!this.corked) this.checkHigh();
  }

  /** Sends several pieces as one. */
  writeLines(pieces: Iterable<Uint8Array | string>): void {
    this.corked = true;
    this.socket.cork();
    try {
      for (const piece of pieces) this.write(piece);
    } finally {
      this.corked = false;
      this.socket.uncork();
      this.checkHigh();
    }
  }

  /** Says that this side sends no more, once all is sent. The other side may go on sending. */
  writeEof(): void {
    if (this.eofWritten || this.state !== "open") return;
    this.eofWritten = true;
    this.finishing();
    this.socket.end();
  }

  /** Can one direction be closed alone? Not with TLS. */
  canWriteEof(): boolean {
    return !("encrypted" in this.socket);
  }

  /** How many bytes wait to be sent. */
  getWriteBufferSize(): number {
    return this.socket.writableLength;
  }

  /** The marks of {@link setWriteBufferLimits}: low, then high. */
  getWriteBufferLimits(): [low: number, high: number] {
    const { low, high } = this.marks;
    return [low, high];
  }

  /**
   * Sets how many bytes may wait to be sent before the writer is told to pause, and how few before it may go on. Default
   * 64 KiB, and a quarter of it; given only one, the other is four times as much or a quarter.
   *
   * @throws RangeError unless high >= low >= 0.
   */
  setWriteBufferLimits(limits: WriteLimits = {}): void {
    this.marks = waterMarks(limits);
    this.checkHigh();
  }

  private checkHigh(): void {
    if (this.writingPaused || this.socket.writableLength <= this.marks.high) return;
    this.writingPaused = true;
    // Node says "drain" only when more waits than its own mark, and not after the end.
    if (!this.socket.writable) this.finishing();
    else if (!this.socket.writableNeedDrain) this.socket.write("", this.afterWrite());
    this.tell("pauseWriting");
  }

  /** Nothing more is written: what waits for less to be sent waits for all of it now. */
  private finishing(): void {
    if (this.writingPaused) this.socket.once("finish", Transport.on.drain);
  }

  private afterWrite(): () => void {
    this.whenFlushed ??= () => this.flushed();
    return this.whenFlushed;
  }

  private flushed(): void {
    if (!this.writingPaused || this.socket.destroyed || this.socket.writableLength > this.marks.low) return;
    this.writingPaused = false;
    this.tell("resumeWriting");
  }

  /** @internal Waits until everything that was written has been handed to the system. */
  async flush(): Promise<void> {
    const { socket } = this;
    if (socket.writableLength === 0) return;
    await interruptible(new Promise<void>((resolve) => socket.write("", () => resolve())));
  }

  // -- the end -------------------------------------------------------------------------------------------

  /** Is it being closed, or gone? */
  isClosing(): boolean {
    return this.state !== "open" || this.failing;
  }

  /** @internal Has it failed, or been aborted, and nobody has been told yet? It can happen while something is written. */
  get failing(): boolean {
    return this.state !== "lost" && (this.socket.destroyed || this.socket.errored !== null);
  }

  /** Reads no more, sends what was written, and closes the connection then. Does not wait for that. */
  close(): void {
    if (this.state !== "open") return;
    this.state = "closing";
    this.finishing();
    this.socket.destroySoon();
  }

  /** Closes the connection at once; what was not sent yet is dropped. */
  abort(): void {
    if (this.state === "lost") return;
    this.state = "closing";
    this.socket.destroy();
  }

  /** @internal A protocol that is not brio's own may do anything with what comes. */
  get callsIn(): boolean {
    return this.frame !== null;
  }

  /** @internal */
  loopCloses(): void {
    this.abort();
  }

  private failed(error: Error): void {
    this.error ??= error;
    this.socket.destroy(); // by itself, Node keeps a TLS socket on which something else than TLS has come
  }

  private closed(): void {
    if (this.state === "lost") return;
    this.state = "lost";
    this.loop.resources.delete(this);
    const { error } = this;
    if (this.loop.isClosed()) return;
    this.loop.soon(() => {
      this.tell("connectionLost", error);
      this.owner?.connectionGone(this);
    });
  }

  // -- what it is about ----------------------------------------------------------------------------------

  /** Particulars of the connection, while it stands; undefined where there is no such thing. */
  getExtraInfo<N extends keyof ExtraInfo>(name: N): ExtraInfo[N] | undefined {
    return extraInfo(this.socket, name);
  }

  /** What is told of the events. */
  getProtocol(): Protocol {
    return this.protocol;
  }

  /** Has another protocol told from now on. */
  setProtocol(protocol: Protocol): void {
    this.protocol = protocol;
  }

  /**
   * @internal Goes on with another socket on top of this one: TLS. If it does not come about, the connection is lost.
   *
   * @param early what has come already and is for the other socket
   */
  async upgrade(early: Buffer, wrap: (socket: Socket) => Promise<Socket>): Promise<void> {
    const { socket } = this;
    socket.pause();
    socket.removeListener("data", Transport.on.data);
    socket.removeListener("end", Transport.on.end);
    socket.removeListener("drain", Transport.on.drain);
    if (early.length > 0) socket.unshift(early);
    let secured: Socket;
    try {
      secured = await wrap(socket);
    } catch (error) {
      this.abort();
      throw error;
    }
    socket.removeListener("error", Transport.on.error);
    socket.removeListener("close", Transport.on.close);
    this.socket = secured;
    this.attach(secured);
  }

  private tell<M extends keyof Protocol>(method: M, ...args: Parameters<NonNullable<Protocol[M]>>): unknown {
    return tellProtocol(this.protocol, method, args, this.frame, (exception) => {
      const message = `protocol.${method}() failed: the connection is aborted`;
      this.loop.callExceptionHandler({ message, exception });
      this.error ??= errorOf(exception);
      this.abort();
    });
  }

  toString(): string {
    return `<Transport ${this.state}${this.readingPaused ? ", reading paused" : ""}>`;
  }
}
