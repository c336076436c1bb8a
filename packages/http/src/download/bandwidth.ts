import { inspect } from "node:util";
import { RateLimiter } from "brio";

/** So much of a second's bytes may come at once: steady, and no timer for each packet. */
const BURSTS_PER_SECOND = 10;

/**
 * A limit of bytes per second, that downloads can share.
 *
 * @example
 * ```ts
 * import { Bandwidth } from "@brio/http/download";
 *
 * const slow = new Bandwidth(500_000); // give it to several downloads: { bandwidth: slow }
 * console.log(String(slow)); // <Bandwidth 500000 bytes per second>
 * ```
 */
export class Bandwidth {
  private readonly limit: number;
  private readonly limiter: RateLimiter;
  /** @internal How many bytes may come at once. */ readonly burst: number;

  /** @param bytesPerSecond an integer >= 1 */
  constructor(bytesPerSecond: number) {
    if (!Number.isInteger(bytesPerSecond) || bytesPerSecond < 1)
      throw new RangeError(
        `bandwidth must be an integer >= 1, in bytes per second; got ${inspect(bytesPerSecond)}`,
      );
    this.limit = bytesPerSecond;
    this.burst = Math.max(1, Math.floor(bytesPerSecond / BURSTS_PER_SECOND));
    this.limiter = new RateLimiter({ limit: bytesPerSecond, per: "1s", burst: this.burst });
  }

  /**
   * Waits until so many bytes may be taken.
   *
   * *Cancel safety*: cancelled, some of them may have been taken.
   */
  async take(bytes: number): Promise<void> {
    for (let left = bytes; left > 0; left -= this.burst)
      await this.limiter.acquire(Math.min(left, this.burst));
  }

  toString(): string {
    return `<Bandwidth ${this.limit} bytes per second>`;
  }
}
