import { moveOnAfter } from "../cancel/cancel-scope.ts";
import { immediate } from "../cancel/immediate.ts";
import { ambientScope, outsideTask, requireScope } from "../cancel/scope.ts";
import { uncancellable } from "../cancel/uncancellable.ts";
import { sleep } from "../compose/sleep.ts";
import { RuntimeError } from "../loop/errors.ts";
import { encrypt, type TlsOptions } from "./connect.ts";
import type { ExtraInfo } from "./extra-info.ts";
import type { ServerTlsOptions } from "./server-options.ts";
import { encryptAsServer } from "./start-tls.ts";
import type { StreamProtocol } from "./stream-protocol.ts";
import { checkNamelessTls, checkServerTls } from "./tls-options.ts";
import type { Transport } from "./transport.ts";

/** How long the last of what was written may take, when a writer is disposed of. */
const PATIENCE = "5s";

/**
 * Writes to a connection. `write` never waits: await {@link drain} after it, or a receiver that is slower than the program
 * makes the buffer grow.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { openConnection, startServer } from "brio/streams";
 *
 * await run(async () => {
 *   await using server = await startServer(async (reader, writer) => {
 *     for await (const line of reader) {
 *       writer.write(line.toString().toUpperCase());
 *       await writer.drain();
 *     }
 *   }, "127.0.0.1", 0);
 *   const [reader, writer] = await openConnection("127.0.0.1", server.port);
 *   await using _ = writer;
 *   writer.write("hello\n");
 *   await writer.drain();
 *   console.log((await reader.readLine()).toString()); // HELLO
 * });
 * ```
 */
export class StreamWriter implements AsyncDisposable {
  /** The connection below. */
  readonly transport: Transport;
  private readonly protocol: StreamProtocol;
  private readonly serverSide: boolean;
  private closedHere = false;

  /** @internal Use `openConnection` or `startServer`. */
  constructor(transport: Transport, protocol: StreamProtocol, serverSide: boolean) {
    this.transport = transport;
    this.protocol = protocol;
    this.serverSide = serverSide;
  }

  /**
   * Sends bytes (text as UTF-8), or keeps them until they can be sent. What is written to a connection that is gone is
   * dropped; {@link drain} tells. The bytes must not be changed before they are sent: they are not copied.
   *
   * @throws TypeError if `data` is neither; RuntimeError after {@link writeEof}.
   */
  write(data: Uint8Array | string): void {
    this.transport.write(data);
  }

  /** Sends several pieces as one. */
  writeLines(pieces: Iterable<Uint8Array | string>): void {
    this.transport.writeLines(pieces);
  }

  /** Says that this side sends no more, once all is sent. The other side may go on sending. */
  writeEof(): void {
    this.transport.writeEof();
  }

  /** Can {@link writeEof} be used? Not with TLS. */
  canWriteEof(): boolean {
    return this.transport.canWriteEof();
  }

  /**
   * Waits until so little is left to be sent that it is time to write more.
   *
   * *Cancel safety*: what was written will be sent all the same.
   *
   * @throws ConnectionResetError if the connection is gone; the error that it was lost with.
   */
  drain(): Promise<void> {
    const scope = ambientScope();
    if (scope === undefined) return outsideTask("writer.drain()");
    const { protocol, transport } = this;
    if (transport.isClosing() || protocol.failed) return this.drainClosing();
    return protocol.full ? protocol.waitDrained(scope) : immediate(scope, undefined);
  }

  private async drainClosing(): Promise<void> {
    this.protocol.check();
    if (this.transport.failing) await this.waitClosed();
    else await sleep(0); // the end may be on its way: say it now rather than next time
    this.protocol.check();
    if (this.protocol.lost || this.transport.dropped) throw this.protocol.resetError(this.closedHere);
    if (!this.protocol.full) return;
    await this.protocol.waitDrained(requireScope("writer.drain()"));
  }

  /**
   * Goes on with TLS: what was written is sent as it is, all that follows is encrypted. On the side of a server's handler
   * it needs the server's options (`key`, `cert`, ...), on the other side a client's: `servername`, the name that the
   * server's certificate must be for, and `ca` and others.
   *
   * *Cancel safety*: cancelled, the connection is gone.
   *
   * @throws what the handshake fails with, TimeoutError if it takes too long: then the connection is gone; TypeError or
   * RangeError for bad options, RuntimeError if it is encrypted already or being closed: then it is as it was.
   */
  async startTls(options: TlsOptions | ServerTlsOptions): Promise<void> {
    if (!this.canWriteEof()) throw new RuntimeError("startTls(): this connection is encrypted already");
    if (this.transport.isClosing()) throw new RuntimeError("startTls(): this connection is being closed");
    if (this.serverSide) checkServerTls(options ?? null);
    else checkNamelessTls(options ?? null);
    const { reader } = this.protocol;
    await this.transport.flush();
    await this.transport.upgrade(reader.takeBuffered(), (socket) =>
      this.serverSide
        ? encryptAsServer(socket, options as ServerTlsOptions) // what else a server has no use for
        : encrypt(socket, "", options as TlsOptions),
    );
  }

  /** Sends what was written, and closes the connection then. Does not wait for that: see {@link waitClosed}. */
  close(): void {
    this.closedHere = true;
    this.transport.close();
  }

  /** Is it being closed, or gone? */
  isClosing(): boolean {
    return this.transport.isClosing();
  }

  /**
   * Waits until the connection is gone.
   *
   * *Cancel safety*: the connection is closed all the same.
   *
   * @throws the error that it was lost with.
   */
  async waitClosed(): Promise<void> {
    const scope = ambientScope();
    if (scope === undefined) return await outsideTask("writer.waitClosed()");
    if (!this.protocol.lost) await this.protocol.waitLost(scope);
    this.protocol.check();
  }

  /**
   * Closes the connection and waits until it is gone; at most five seconds, then what was not sent is dropped. Throws what
   * the connection was lost with if nobody has been told yet.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    const { protocol } = this;
    const gone = (): Promise<void> => protocol.waitLost(requireScope("the end of a writer"));
    await uncancellable(
      async () => {
        if (!protocol.lost) await moveOnAfter(PATIENCE, gone);
        if (protocol.lost) return;
        this.transport.abort();
        await gone();
      },
      { grace: null },
    );
    protocol.checkUntold();
  }

  /** Particulars of the connection, while it stands; undefined where there is no such thing. */
  getExtraInfo<N extends keyof ExtraInfo>(name: N): ExtraInfo[N] | undefined {
    return this.transport.getExtraInfo(name);
  }

  toString(): string {
    return `<StreamWriter of ${this.transport}>`;
  }
}
