import type { Enter } from "./ambient.ts";
import type { Loop } from "./loop.ts";
import type { TimerEntry } from "./timers.ts";

/** A callback that was scheduled with `callSoon`; see also {@link TimerHandle}. */
export class Handle {
  /** @internal */
  readonly settles = false;
  protected callback: (() => void) | null;
  private readonly loop: Loop;
  private readonly enter: Enter;
  private readonly label: string;

  /** @internal */
  constructor(loop: Loop, enter: Enter, callback: () => void, label: string) {
    this.loop = loop;
    this.enter = enter;
    this.callback = callback;
    this.label = label;
  }

  /** The callback won't run. Does nothing if it has run already, or was cancelled before. */
  cancel(): void {
    this.callback = null;
    this.isCancelled = true;
  }

  private isCancelled = false;

  /** True once {@link cancel} was called. */
  cancelled(): boolean {
    return this.isCancelled;
  }

  /** @internal */
  run(): void {
    const callback = this.callback;
    if (callback === null) return;
    this.callback = null;
    try {
      this.enter(callback);
    } catch (error) {
      const message = `Exception in callback ${this.label}`;
      // The handler sees the context variables that the callback saw.
      this.enter(() => this.loop.callExceptionHandler({ message, exception: error, handle: this }));
    }
  }

  toString(): string {
    return `<Handle ${this.label}${this.isCancelled ? " cancelled" : ""}>`;
  }
}

/** A callback that was scheduled with `callLater` or `callAt`. */
export class TimerHandle extends Handle implements TimerEntry {
  private readonly deadline: number;
  private readonly forget: () => void;
  private waiting = true;

  /** @internal */
  constructor(
    loop: Loop,
    enter: Enter,
    callback: () => void,
    label: string,
    when: number,
    forget: () => void,
  ) {
    super(loop, enter, callback, label);
    this.deadline = when;
    this.forget = forget;
  }

  /** The loop time, in milliseconds, at which the callback is due. */
  when(): number {
    return this.deadline;
  }

  /** The callback won't run, and the timer is gone. */
  override cancel(): void {
    const forget = this.waiting && !this.cancelled();
    super.cancel();
    if (forget) this.forget();
  }

  /** @internal */
  get dead(): boolean {
    return this.cancelled();
  }

  /** @internal */
  due(): void {
    this.waiting = false;
  }
}

/** A callback of brio's own: it must not throw, and runs without a frame. */
export class Alarm implements TimerEntry {
  readonly settles = false;
  dead = false;
  private readonly callback: () => void;
  private readonly forget: (() => void) | null;

  constructor(callback: () => void, forget: (() => void) | null) {
    this.callback = callback;
    this.forget = forget;
  }

  private waiting = true;

  due(): void {
    this.waiting = false;
  }

  run(): void {
    if (!this.dead) this.callback();
  }

  cancel(): void {
    if (this.dead) return;
    this.dead = true;
    if (this.waiting && this.forget !== null) this.forget();
  }
}
