/** How much may wait to be sent, in bytes, before the writer is told to pause, and how little before it may go on. */
export interface WriteLimits {
  readonly high?: number | undefined;
  readonly low?: number | undefined;
}

const HIGH = 2 ** 16;

/** The two marks of a transport, by asyncio's rules. */
export class WaterMarks {
  high: number = HIGH;
  low: number = HIGH / 4;

  /** Given only one, the other is four times as much or a quarter. @throws RangeError unless high >= low >= 0. */
  set({ high, low }: WriteLimits): void {
    const above = high ?? (low === undefined ? HIGH : 4 * low);
    const below = low ?? Math.floor(above / 4);
    if (!(above >= below && below >= 0)) {
      throw new RangeError(
        `write limits must be high >= low >= 0, in bytes; got high ${above}, low ${below}`,
      );
    }
    this.high = above;
    this.low = below;
  }
}
