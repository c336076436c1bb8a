import { Readable } from "node:stream";
import { CancelledError, createTask, Event, type Task } from "brio";
import type { BodyPiece } from "./body.ts";

/**
 * A body that is sent piece by piece. A task of its own reads the pieces, so that what makes them may wait as any task does;
 * it waits whenever undici has enough of them.
 */
export class Upload {
  /** What undici reads. */
  readonly stream: Readable;
  /** What the pieces' maker threw. */
  failure: { readonly error: unknown } | null = null;
  private readonly wanted = new Event();
  private readonly progress: () => void;
  private readonly task: Task<void>;

  constructor(pieces: AsyncIterable<BodyPiece> | Iterable<BodyPiece>, name: string, progress: () => void) {
    this.progress = progress;
    this.stream = new Readable({ read: () => this.wanted.set() });
    this.stream.on("error", () => {}); // told by the exchange
    this.task = createTask(() => this.send(pieces), { name });
  }

  private async send(pieces: AsyncIterable<BodyPiece> | Iterable<BodyPiece>): Promise<void> {
    try {
      for await (const piece of pieces) {
        this.progress();
        this.wanted.clear();
        const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
        if (bytes.length > 0 && !this.stream.push(bytes)) await this.wanted.wait();
      }
      this.stream.push(null);
    } catch (error) {
      if (!(error instanceof CancelledError)) this.failure = { error };
      this.stream.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** No more is wanted. */
  stop(): void {
    this.task.cancel("the request is over");
    this.stream.destroy();
  }

  /** Waits until whatever makes the pieces has ended. *Cancel safety*: none: to be called where it can't be cancelled. */
  async ended(): Promise<void> {
    this.stop();
    await this.task.catch(() => {});
  }
}
