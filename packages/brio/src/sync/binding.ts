import { RuntimeError } from "../loop/errors.ts";
import type { Loop } from "../loop/loop.ts";

/** The loop that a primitive is used in: the first in which somebody has waited for it. */
export class Binding {
  private loop: Loop | null = null;

  bind(loop: Loop, primitive: object): void {
    if (this.loop === loop) return;
    // A loop that has ended has no waits left: the primitive is free for the next.
    if (this.loop === null || this.loop.isClosed()) this.loop = loop;
    else
      throw new RuntimeError(
        `${String(primitive)} is used in another event loop already: make one for each run()`,
      );
  }
}
