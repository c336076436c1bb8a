import { type Future, getRunningLoop, type TimerHandle } from "brio";

/** A task in the line. */
interface Waiter<T> {
  readonly future: Future<T>;
  readonly deadline: number;
}

/**
 * Tasks that wait for what is handed over to them: first come, first served, and none longer than the others.
 *
 * Who is first leaves the line in the moment in which it gets something. If it is cancelled before it is resumed, it passes
 * that on.
 */
export class Line<T> {
  private readonly patience: number | null;
  private readonly late: () => Error;
  /** Those that still wait, and those that were cancelled and have not been resumed yet. */
  private readonly waiters = new Set<Waiter<T>>();
  /** Of the first. */
  private alarm: TimerHandle | null = null;

  /**
   * @param patience how long each waits at most, in milliseconds; null: for ever
   * @param late makes the error for who has waited too long
   */
  constructor(patience: number | null, late: () => Error) {
    this.patience = patience;
    this.late = late;
  }

  get length(): number {
    return this.waiters.size;
  }

  /** @param passOn is given what a task got that was cancelled */
  async wait(passOn: (got: T) => void): Promise<T> {
    const { patience } = this;
    const loop = getRunningLoop();
    const future = loop.createFuture<T>();
    const waiter = {
      future,
      deadline: patience === null ? Number.POSITIVE_INFINITY : loop.time() + patience,
    };
    this.waiters.add(waiter);
    if (this.alarm === null) this.setAlarm();
    try {
      return await future;
    } catch (error) {
      this.leave(waiter);
      if (future.done() && !future.cancelled() && future.exception() === undefined) passOn(future.result());
      throw error;
    }
  }

  /** The first that still waits: it leaves the line, and must be given something. */
  next(): Future<T> | null {
    for (const waiter of this.waiters) {
      this.leave(waiter);
      if (!waiter.future.done()) return waiter.future;
    }
    return null;
  }

  private leave(waiter: Waiter<T>): void {
    this.waiters.delete(waiter);
    if (this.waiters.size > 0 || this.alarm === null) return;
    this.alarm.cancel();
    this.alarm = null;
  }

  /** All wait equally long: so it is the first whose time is over first. */
  private setAlarm(): void {
    this.alarm = null;
    for (const { future, deadline } of this.waiters) {
      if (deadline === Number.POSITIVE_INFINITY) return;
      const loop = future.getLoop();
      this.alarm = loop.callAt(deadline, () => this.expire(loop.time()));
      return;
    }
  }

  private expire(now: number): void {
    for (const waiter of this.waiters) {
      if (waiter.deadline > now) break;
      this.waiters.delete(waiter);
      if (!waiter.future.done()) waiter.future.setException(this.late());
    }
    this.setAlarm();
  }
}
