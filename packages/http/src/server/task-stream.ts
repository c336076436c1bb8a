import { Readable } from "node:stream";
import { inspect } from "node:util";
import { CancelledError, CancelScope, Event } from "brio";
import type { RequestTask } from "./request-task.ts";

/** What the body of a response is made of, piece by piece: an async generator, say, or a function that gives one. */
export type Pieces<T> = AsyncIterable<T> | Iterable<T> | (() => AsyncIterable<T>);

/** @throws TypeError if it is none of that. */
export function piecesOf<T>(pieces: Pieces<T>, caller: string): AsyncIterable<T> | Iterable<T> {
  const given = typeof pieces === "function" ? pieces() : pieces;
  const one = given as Partial<AsyncIterable<T> & Iterable<T>> | null | undefined;
  if (typeof given === "object" && (one?.[Symbol.asyncIterator] ?? one?.[Symbol.iterator]) !== undefined)
    return given;
  throw new TypeError(
    `${caller} takes what can be iterated: async function* () { yield "..."; }; got ${inspect(given, { depth: 0 })}`,
  );
}

/**
 * A stream whose pieces are made in a request's task: no faster than they are read, and no more of them when the request is
 * cancelled. The generator that makes them is always brought to its end.
 */
export class TaskStream extends Readable {
  private wanted: Event | null = null;
  private readonly done: () => void;

  /** @param endless it ends, as a whole, when the server begins to drain */
  constructor(request: RequestTask, pieces: AsyncIterable<Buffer | Uint8Array | string>, endless: boolean) {
    super();
    let done: () => void = () => {};
    // It holds the task from now on, and begins in it.
    request.hold(
      new Promise<void>((resolve) => {
        done = resolve;
      }),
    );
    this.done = done;
    // It may fail when its reader has gone: that must not end the process.
    this.on("error", () => {});
    void this.make(request, pieces, endless);
  }

  private async make(
    request: RequestTask,
    pieces: AsyncIterable<Buffer | Uint8Array | string>,
    endless: boolean,
  ): Promise<void> {
    try {
      if (endless) {
        const scope = new CancelScope();
        request.onDrain(() => scope.cancel("the server is stopping"));
        await scope.run(() => this.pump(pieces));
      } else {
        await this.pump(pieces);
      }
      if (!this.destroyed) this.push(null);
    } catch (error) {
      if (error instanceof CancelledError && request.cancelledBy !== null) this.cutOff(request);
      else this.destroy(asError(error));
    } finally {
      this.done();
    }
  }

  private async pump(pieces: AsyncIterable<Buffer | Uint8Array | string>): Promise<void> {
    for await (const piece of pieces) {
      if (this.destroyed) break;
      if (this.push(piece)) continue;
      this.wanted = new Event();
      await this.wanted.wait();
    }
  }

  /** After its cancellation: half a response must not look like a whole one. */
  private cutOff(request: RequestTask): void {
    // If the client has gone, or the time is over, the response is cut off already, or has become another one.
    if (request.cancelledBy !== "shutdown") return;
    if (request.response.headersSent) request.response.destroy();
    else this.destroy(request.unavailable());
  }

  override _read(): void {
    this.wanted?.set();
    this.wanted = null;
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.wanted?.set();
    this.wanted = null;
    callback(error);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(inspect(error), { cause: error });
}
