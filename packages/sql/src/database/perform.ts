import { type CancelledError, interruptible, uncancellable } from "brio";
import type { DriverConnection } from "./driver.ts";

/*
 * A statement that runs, and a cancellation
 *
 *   running ── it ends ──────────────────────────────────────────> its result or error
 *      └── cancelled: stop() ──> stopping ── it ends ────────────> CancelledError; connection kept if `certain`
 *                                    └── patience is over: destroy ──> CancelledError; connection gone
 *
 * A request to stop it may overtake it, and find nothing to stop: it is repeated while it runs.
 * The task is resumed only when the statement has ended, on the server or with its connection.
 */

/**
 * Waits for what a connection does. Cancelled, it is stopped on the server, and waited for.
 *
 * @param stoppable false: a cancellation waits for it, for `patience` at most
 */
export function perform<T>(
  connection: DriverConnection,
  patience: number,
  work: () => Promise<T>,
  stoppable = true,
): Promise<T> {
  const performance = new Performance(connection, patience, stoppable);
  return interruptible(() => performance.of(work), performance);
}

/** The same, for clean-up in a scope that is being cancelled. */
export function finish<T>(
  connection: DriverConnection,
  patience: number,
  work: () => Promise<T>,
): Promise<T> {
  return uncancellable(() => perform(connection, patience, work, false), { grace: 0 });
}

/** Sees to it that what a connection does comes to its end. */
class Performance {
  private readonly connection: DriverConnection;
  private readonly patience: number;
  private readonly stoppable: boolean;
  /** Why it is to end. */
  private reason: CancelledError | null = null;
  /** Settles when nothing is asked of the server any more. */
  private asked: Promise<void> | null = null;
  private over = false;
  private late: NodeJS.Timeout | null = null;
  private again: NodeJS.Timeout | null = null;
  private wake: (() => void) | null = null;

  constructor(connection: DriverConnection, patience: number, stoppable: boolean) {
    this.connection = connection;
    this.patience = patience;
    this.stoppable = stoppable;
  }

  async of<T>(work: () => Promise<T>): Promise<T> {
    let error: unknown;
    try {
      const value = await work();
      this.ended();
      if (this.reason === null || !this.stoppable) return value;
    } catch (failure) {
      this.ended();
      if (this.reason === null) throw this.connection.translate(failure);
      error = failure;
    }
    await this.asked;
    if (!this.connection.certain(error)) this.connection.distrust();
    throw this.reason;
  }

  readonly stop = (reason: CancelledError): void => {
    this.reason = reason;
    if (this.over) return;
    this.late = setTimeout(() => this.connection.destroy(), this.patience);
    if (this.stoppable) this.asked = this.insist().catch(() => this.connection.destroy());
  };

  private ended(): void {
    this.over = true;
    if (this.reason === null) return;
    if (this.late !== null) clearTimeout(this.late);
    if (this.again !== null) clearTimeout(this.again);
    this.wake?.();
  }

  /** A request that overtakes the statement finds nothing to stop: so it is repeated. */
  private async insist(): Promise<void> {
    for (let pause = FIRST_PAUSE; !this.over; pause *= 2) {
      await this.connection.stop(this.patience);
      if (this.over) return;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        this.again = setTimeout(resolve, pause);
      });
    }
  }
}

/** How long a statement has to end before the server is asked again, in milliseconds; then twice as long. */
const FIRST_PAUSE = 50;
