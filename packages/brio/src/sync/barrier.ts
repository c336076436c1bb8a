import { inspect } from "node:util";
import { ambientScope, outsideTask } from "../cancel/scope.ts";
import { RuntimeError } from "../loop/errors.ts";
import { Condition } from "./condition.ts";

/** The barrier was aborted, or reset while tasks were waiting. */
export class BrokenBarrierError extends RuntimeError {
  override name = "BrokenBarrierError";
}

/** The state of a {@link Barrier}. */
export interface BarrierStatistics {
  readonly parties: number;
  readonly waiting: number;
  readonly broken: boolean;
}

/*
 * A barrier's states
 *
 *   filling ── the last party arrives ──> draining ── the last one leaves ──> filling
 *   filling, draining ── reset ──> resetting (if anybody is inside) ── the last one leaves ──> filling
 *   any ── abort ──> broken ── reset ──> filling or resetting
 *
 * Newcomers wait outside while the barrier is draining or resetting.
 */
type State = "filling" | "draining" | "resetting" | "broken";

/**
 * A meeting point of a fixed number of tasks: each waits until all are there.
 *
 * @example
 * ```ts
 * import { Barrier, run, taskGroup } from "brio";
 *
 * await run(async () => {
 *   const start = new Barrier(2);
 *   await taskGroup((group) => {
 *     for (const name of ["a", "b"]) group.createTask(async () => console.log(name, await start.wait())); // b 1, then a 0
 *   });
 * });
 * ```
 */
export class Barrier {
  private readonly changed = new Condition();
  private readonly size: number;
  private state: State = "filling";
  private count = 0;

  /** @param parties how many meet, an integer >= 1 */
  constructor(parties: number) {
    if (!Number.isInteger(parties) || parties < 1) {
      throw new RangeError(
        `a barrier's parties must be an integer >= 1, such as new Barrier(3); got ${inspect(parties)}`,
      );
    }
    this.size = parties;
  }

  /** How many tasks meet. */
  get parties(): number {
    return this.size;
  }

  /** How many wait inside, while the barrier is filling. */
  get nWaiting(): number {
    return this.state === "filling" ? this.count : 0;
  }

  /** True from {@link abort} to the next {@link reset}. */
  get broken(): boolean {
    return this.state === "broken";
  }

  /**
   * Waits until `parties` tasks are here. Resolves with the number of tasks that were here before.
   *
   * *Cancel safety*: a cancelled task just leaves; the barrier is not broken.
   *
   * @throws BrokenBarrierError if the barrier is broken, or is reset or aborted meanwhile.
   */
  wait(): Promise<number> {
    return this.inside("wait", async () => {
      await this.changed.waitFor(() => this.state !== "draining" && this.state !== "resetting");
      if (this.state === "broken") throw this.error();
      const index = this.count++;
      try {
        if (index + 1 === this.size) {
          this.state = "draining";
          this.changed.notifyAll();
        } else {
          await this.changed.waitFor(() => this.state !== "filling");
          if (this.state !== "draining") throw this.error();
        }
        return index;
      } finally {
        this.count--;
        this.left();
      }
    });
  }

  private inside<T>(method: string, fn: () => PromiseLike<T> | T): Promise<T> {
    if (ambientScope() === undefined) return outsideTask(`barrier.${method}()`);
    return this.changed.with(fn);
  }

  private left(): void {
    if (this.count > 0) return;
    if (this.state === "resetting" || this.state === "draining") this.state = "filling";
    this.changed.notifyAll();
  }

  private error(): BrokenBarrierError {
    return new BrokenBarrierError(
      this.state === "broken" ? "the barrier was aborted" : "the barrier was reset",
    );
  }

  /**
   * Makes the barrier empty and whole again; whoever waits inside gets BrokenBarrierError.
   *
   * *Cancel safety*: cancelled while it waits for the barrier's lock, it has changed nothing.
   */
  reset(): Promise<void> {
    return this.inside("reset", () => {
      this.state = this.count > 0 ? "resetting" : "filling";
      this.changed.notifyAll();
    });
  }

  /**
   * Breaks the barrier: whoever waits, and whoever comes before the next `reset`, gets BrokenBarrierError.
   *
   * *Cancel safety*: cancelled while it waits for the barrier's lock, it has changed nothing.
   */
  abort(): Promise<void> {
    return this.inside("abort", () => {
      this.state = "broken";
      this.changed.notifyAll();
    });
  }

  /** Its state. */
  statistics(): BarrierStatistics {
    return { parties: this.size, waiting: this.nWaiting, broken: this.broken };
  }

  toString(): string {
    return `<Barrier ${this.state}, ${this.count} of ${this.size}>`;
  }
}
