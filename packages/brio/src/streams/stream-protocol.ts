import type { Scope } from "../cancel/scope.ts";
import { ConnectionResetError } from "./errors.ts";
import { Line } from "./line.ts";
import type { Protocol } from "./protocol.ts";
import type { StreamReader } from "./stream-reader.ts";
import type { Transport } from "./transport.ts";

/** Feeds a reader, and knows when a writer may go on. */
export class StreamProtocol implements Protocol {
  readonly reader: StreamReader;
  /** Those who wait until less is to be sent, and until the connection is gone. Made when somebody does. */
  private drain: Line | null = null;
  private end: Line | null = null;
  private paused = false;
  private ended: { readonly error: Error | null } | null = null;
  private transport: Transport | null = null;
  private reset: ConnectionResetError | null = null;

  constructor(reader: StreamReader) {
    this.reader = reader;
  }

  connectionMade(transport: Transport): void {
    this.transport = transport;
    this.reader.setTransport(transport);
  }

  dataReceived(data: Buffer): void {
    this.reader.feedData(data);
  }

  eofReceived(): boolean {
    this.reader.feedEof();
    return this.transport?.canWriteEof() ?? false; // TLS can't be closed in one direction
  }

  connectionLost(error: Error | null): void {
    this.ended = { error };
    if (error === null) this.reader.feedEof();
    else this.reader.setException(error);
    this.drain?.grantAll();
    this.end?.grantAll();
  }

  pauseWriting(): void {
    this.paused = true;
  }

  resumeWriting(): void {
    this.paused = false;
    this.drain?.grantAll();
  }

  /** Is the connection gone? */
  get lost(): boolean {
    return this.ended !== null;
  }

  /** Does too much wait to be sent? */
  get full(): boolean {
    return this.paused && this.ended === null;
  }

  /** Has the reader failed, or was the connection lost with an error? */
  get failed(): boolean {
    return this.ended !== null || this.reader.exception() !== undefined;
  }

  /** Throws what the connection was lost with. */
  check(): void {
    const error = this.ended?.error ?? this.reader.exception() ?? null;
    if (error === null) return;
    this.reader.told = true;
    throw error;
  }

  /** The same, if nobody has been told yet. */
  checkUntold(): void {
    if (!this.reader.told) this.check();
  }

  /** The error for what was written to a connection that was gone, or was closed before on this side. */
  resetError(closedHere: boolean): ConnectionResetError {
    const error = new ConnectionResetError("Connection lost: what was written last was not sent");
    if (closedHere) return error; // a mistake of the program's, and no loss
    this.reset ??= error;
    return this.reset;
  }

  /** Does the error, or all of a group, say that this connection was lost? Not another one, or one that was closed here. */
  isLoss(error: unknown): boolean {
    if (error instanceof AggregateError)
      return error.errors.length > 0 && error.errors.every((one) => this.isLoss(one));
    return error instanceof Error && (error === this.ended?.error || error === this.reset);
  }

  /** Waits until less is to be sent. Throws what the connection was lost with meanwhile. */
  async waitDrained(scope: Scope): Promise<void> {
    this.drain ??= new Line("writer.drain", this);
    await this.drain.wait(scope);
    this.check();
  }

  /** Waits until the connection is gone, and does not tell with what. */
  waitLost(scope: Scope): Promise<void> {
    this.end ??= new Line("writer.waitClosed", this);
    return this.end.wait(scope);
  }

  toString(): string {
    return String(this.transport ?? "a connection that does not stand yet");
  }
}
