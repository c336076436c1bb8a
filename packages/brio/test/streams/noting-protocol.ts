import type { Socket } from "node:net";
import { Event, getRunningLoop } from "brio";
import { createConnection, type Protocol, type Transport } from "brio/streams";
import { type Note, nodeServer } from "./loopback.ts";

/** Notes all that it is told. */
export class Noting implements Protocol {
  readonly lost = new Event();
  readonly made = new Event();
  transport!: Transport; // set when the connection stands
  private readonly note: Note;

  constructor(note: Note) {
    this.note = note;
  }

  connectionMade(transport: Transport): void {
    this.transport = transport;
    this.note("made");
    this.made.set();
  }

  dataReceived(data: Buffer): void {
    this.note(`data ${data}`);
  }

  eofReceived(): boolean {
    this.note("eof");
    return false;
  }

  pauseWriting(): void {
    this.note("pause");
  }

  resumeWriting(): void {
    this.note("resume");
  }

  connectionLost(error: Error | null): void {
    this.note(`lost ${(error as NodeJS.ErrnoException | null)?.code ?? error?.message ?? "in order"}`);
    this.lost.set();
  }
}

/** A connection to a socket of Node's own, which reads nothing until it is told to. */
export async function toNode<P extends Protocol>(make: () => P): Promise<[Transport, P, Socket]> {
  const accepted = getRunningLoop().createFuture<Socket>();
  const port = await nodeServer((socket) => accepted.setResult(socket));
  const [transport, protocol] = await createConnection(make, "127.0.0.1", port);
  return [transport, protocol, await accepted];
}
