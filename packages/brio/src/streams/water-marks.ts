/** How much may wait to be sent, in bytes, before the writer is told to pause, and how little before it may go on. */
export interface WriteLimits {
  readonly high?: number | undefined;
  readonly low?: number | undefined;
}

/** The two marks of a transport, by asyncio's rules. */
export interface WaterMarks {
  readonly high: number;
  readonly low: number;
}

const HIGH = 2 ** 16;

/** What a transport begins with. */
export const WATER_MARKS: WaterMarks = { high: HIGH, low: HIGH / 4 };

/** Given only one, the other is four times as much or a quarter. @throws RangeError unless high >= low >= 0. */
export function waterMarks({ high, low }: WriteLimits): WaterMarks {
  const above = high ?? (low === undefined ? HIGH : 4 * low);
  const below = low ?? Math.floor(above / 4);
  if (!(above >= below && below >= 0)) {
    throw new RangeError(`write limits must be high >= low >= 0, in bytes; got high ${above}, low ${below}`);
  }
  return { high: above, low: below };
}
