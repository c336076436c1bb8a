import { Event, TimeoutError, timeout } from "brio";
import { SIGN_OF_LIFE } from "../wire/stream-item.ts";

/** After so long without a sign of life, the reader is taken for gone. */
const PATIENCE = 15 * SIGN_OF_LIFE;

/** How many items of a stream may be sent. */
export class SendWindow {
  private readonly ahead: number;
  private readonly changed = new Event();
  private sent = 0;
  private taken = 0;

  constructor(ahead: number) {
    this.ahead = ahead;
  }

  /** The reader has taken so many in all. */
  told(taken: number): void {
    this.taken = Math.max(this.taken, taken);
    this.changed.set();
  }

  /**
   * Waits until one more may be sent. Gives its number.
   *
   * @throws Error if the reader gives no sign of life.
   */
  async next(): Promise<number> {
    while (this.sent - this.taken >= this.ahead) {
      this.changed.clear();
      try {
        await timeout(PATIENCE, () => this.changed.wait());
      } catch (error) {
        if (!(error instanceof TimeoutError)) throw error;
        throw new Error(`the reader of the stream is gone: nothing was heard of it for ${PATIENCE / 1000} s`);
      }
    }
    return ++this.sent;
  }
}
