import { debugging } from "../loop/origins.ts";

/** Where a call was made. V8 makes a text of it when it is read. */
export interface CallSite {
  readonly stack?: string;
}

const UNKNOWN: CallSite = {};

/** So many lines are kept: each costs. */
const LINES = 2;
/** And so many calls have them in a millisecond. */
const MOST = 4;

/**
 * Where calls were made, for the stacks of their errors. That would cost as much as all the rest of a small call: of many
 * that are made within a millisecond, only the first few are noted; in debug mode all.
 */
export class CallSites {
  private moment = 0;
  private noted = 0;

  /** The lines that called `below`. */
  note(below: (...args: never) => unknown): CallSite {
    const debug = debugging();
    if (!debug) {
      const moment = Math.floor(performance.now());
      if (moment !== this.moment) {
        this.moment = moment;
        this.noted = 0;
      }
      if (++this.noted > MOST) return UNKNOWN;
    }
    const site = {};
    const limit = Error.stackTraceLimit;
    if (!debug) Error.stackTraceLimit = Math.min(limit, LINES);
    Error.captureStackTrace(site, below);
    Error.stackTraceLimit = limit;
    return site;
  }
}
