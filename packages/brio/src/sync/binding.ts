import { RuntimeError } from "../loop/errors.ts";
import type { Loop } from "../loop/loop.ts";

/** The loop that a primitive is used in: the first in which somebody has waited for it. */
export class Binding {
  private loop: Loop | null = null;

  /** Null if `primitive` may be waited for in `loop`; else the error that says why not. */
  claim(loop: Loop, primitive: object): RuntimeError | null {
    // A loop that has ended has no waits left: the primitive is free for the next.
    if (this.loop === null || this.loop.isClosed()) this.loop = loop;
    if (this.loop === loop) return null;
    return new RuntimeError(
      `${String(primitive)} is used in another event loop already: make one for each run()`,
    );
  }
}
