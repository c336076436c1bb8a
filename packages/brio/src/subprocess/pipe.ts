import type { Socket } from "node:net";
import { requireScope } from "../cancel/scope.ts";
import type { Loop } from "../loop/loop.ts";
import { StreamProtocol } from "../streams/stream-protocol.ts";
import { StreamReader } from "../streams/stream-reader.ts";
import { StreamWriter } from "../streams/stream-writer.ts";
import { Transport } from "../streams/transport.ts";

/** This side of one of a child's pipes. */
export class Pipe {
  readonly reader: StreamReader;
  readonly writer: StreamWriter;
  private readonly socket: Socket;
  private readonly transport: Transport;
  private readonly protocol: StreamProtocol;

  constructor(loop: Loop, socket: Socket, limit: number | undefined) {
    this.socket = socket;
    this.reader = new StreamReader({ limit });
    this.protocol = new StreamProtocol(this.reader);
    this.transport = new Transport(loop, socket, this.protocol, null);
    this.writer = new StreamWriter(this.transport, this.protocol, false);
    this.transport.begin();
  }

  /** Node makes the pipes of a child flow when it ends, also those that are to wait until somebody reads. */
  heedPauses(): void {
    this.socket.on("data", () => {
      if (!this.transport.isReading()) this.socket.pause();
    });
  }

  /** Nobody reads any more: what still comes is dropped, so that the child is not held up by it. */
  discard(): void {
    this.transport.setProtocol({
      eofReceived: () => true,
      connectionLost: (error) => this.protocol.connectionLost(error),
    });
    this.transport.resumeReading();
  }

  /** Sends what was written, and closes it then. */
  close(): void {
    this.transport.close();
  }

  /** Closes it at once, and waits until that has happened. */
  async end(): Promise<void> {
    this.transport.abort();
    if (!this.protocol.lost) await this.protocol.waitLost(requireScope("process")).catch(() => {});
  }
}
