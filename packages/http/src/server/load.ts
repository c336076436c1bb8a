import type { Settings } from "./options.ts";

/** How often the lag of Node's loop is measured, in milliseconds. */
const PERIOD = 20;

/** Says whether there is too much to do for one more request. */
export class Load {
  private readonly settings: Settings;
  private readonly timer: NodeJS.Timeout | null;
  private due = 0;
  private late = 0;
  /** How many requests have been refused. */
  refused = 0;

  constructor(settings: Settings) {
    this.settings = settings;
    if (settings.maxLag === Number.POSITIVE_INFINITY) {
      this.timer = null;
      return;
    }
    this.due = performance.now() + PERIOD;
    // Node's own timer: brio's would yield to ready tasks, and a virtual clock would hide the lag.
    this.timer = setInterval(() => this.measure(), PERIOD).unref();
  }

  private measure(): void {
    const now = performance.now();
    this.late = Math.max(0, now - this.due);
    this.due = now + PERIOD;
  }

  /** How late Node's loop is, in milliseconds: 0 if it is not measured. */
  get lag(): number {
    return this.timer === null ? 0 : Math.max(this.late, performance.now() - this.due);
  }

  /** Why a request is refused, or null if it is not. */
  refusal(active: number, path: string): string | null {
    const { maxRequests, maxLag, exempt } = this.settings;
    const crowded = active >= maxRequests;
    if (!crowded && (this.timer === null || this.lag <= maxLag)) return null;
    if (exempt.has(pathOf(path))) return null;
    this.refused++;
    return crowded
      ? `there are ${active} requests under way, which is the limit`
      : "the server is overloaded: its event loop is late";
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
  }
}

function pathOf(url: string): string {
  const end = url.indexOf("?");
  return end === -1 ? url : url.slice(0, end);
}
