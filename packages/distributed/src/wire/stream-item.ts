import type { Payload } from "./payload.ts";

/** An item of a streamed result. It travels as what BullMQ calls progress: in order, and to whoever listens. */
export interface StreamItem {
  /** 1, 2, ... */
  readonly n: number;
  /** Which time the job was begun: after a worker was lost, the items begin anew. */
  readonly run: number;
  readonly item: Payload;
}

/** What was told is an item, and no report. */
export function isStreamItem(told: Payload | StreamItem): told is StreamItem {
  return "n" in told;
}

/** How many items are on their way at most, sent and not yet taken by the reader. */
export const AHEAD = 16;

/** How often the reader says what it has taken, though that be nothing: it is still there. In milliseconds. */
export const SIGN_OF_LIFE = 2000;
