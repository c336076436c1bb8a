/**
 * The stream ended before all that was asked for had come.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { IncompleteReadError, StreamReader } from "brio/streams";
 *
 * await run(async () => {
 *   const reader = new StreamReader();
 *   reader.feedData(Buffer.from("abc"));
 *   reader.feedEof();
 *   try {
 *     await reader.readExactly(5);
 *   } catch (error) {
 *     if (!(error instanceof IncompleteReadError)) throw error;
 *     console.log(error.partial.toString(), error.expected); // abc 5
 *   }
 * });
 * ```
 */
export class IncompleteReadError extends Error {
  override name = "IncompleteReadError";
  /** What had come. It is no longer in the reader's buffer. */
  readonly partial: Buffer;
  /** How many bytes were asked for; null if it was a separator. */
  readonly expected: number | null;

  constructor(partial: Buffer, expected: number | null) {
    const wanted = expected === null ? "the separator" : `${expected} bytes`;
    super(`the stream ended after ${partial.length} bytes; ${wanted} had not come`);
    this.partial = partial;
    this.expected = expected;
  }
}

/**
 * A separator did not come within the reader's limit. All of the data is still in the buffer, and can be read otherwise.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { LimitOverrunError, StreamReader } from "brio/streams";
 *
 * await run(async () => {
 *   const reader = new StreamReader({ limit: 4 });
 *   reader.feedData(Buffer.from("abcdefgh;"));
 *   try {
 *     await reader.readUntil(";");
 *   } catch (error) {
 *     if (!(error instanceof LimitOverrunError)) throw error;
 *     console.log((await reader.readExactly(error.consumed)).toString()); // abcdefgh
 *   }
 * });
 * ```
 */
export class LimitOverrunError extends Error {
  override name = "LimitOverrunError";
  /** How many bytes can be read without touching a separator. */
  readonly consumed: number;

  constructor(message: string, consumed: number) {
    super(message);
    this.consumed = consumed;
  }
}

/** The connection is gone, and what was written to it last did not arrive: asyncio's, with Node's `code`. */
export class ConnectionResetError extends Error {
  override name = "ConnectionResetError";
  /** Node's name for it. */
  readonly code = "ECONNRESET";
}
