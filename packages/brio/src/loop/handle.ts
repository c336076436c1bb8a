import { enterFrame, type Frame, frameForCallback, holdBack } from "./ambient.ts";
import type { Loop } from "./loop.ts";
import type { BatonHolder } from "./scheduler.ts";
import type { TimerEntry } from "./timers.ts";

/** A callback that was scheduled with `callSoon`; see also {@link TimerHandle}. */
export class Handle implements BatonHolder {
  /** @internal */
  epoch = 0;
  private readonly loop: Loop;
  private callback: (() => void) | null;
  private readonly label: string;
  private readonly open: (handle: Handle) => void;
  private readonly frame: Frame;
  private isCancelled = false;

  /** @internal It is called in the context of now, with a copy of the context variables. */
  constructor(loop: Loop, callback: () => void, label: string) {
    this.loop = loop;
    this.callback = callback;
    this.label = label;
    this.frame = frameForCallback(loop);
    this.open = holdBack(Handle.call);
  }

  /** The callback won't run. Does nothing if it has run already, or was cancelled before. */
  cancel(): void {
    this.callback = null;
    this.isCancelled = true;
  }

  /** True once {@link cancel} was called. */
  cancelled(): boolean {
    return this.isCancelled;
  }

  /** @internal Its turn has come. */
  run(): void {
    if (this.callback === null) return;
    this.loop.take(this);
    this.open(this);
  }

  private static call(this: void, handle: Handle): void {
    const { callback, loop, label } = handle;
    enterFrame(handle.frame);
    handle.callback = null;
    if (callback !== null) loop.callBack(callback, { message: `Exception in callback ${label}`, handle });
    loop.park(handle);
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
  constructor(loop: Loop, callback: () => void, label: string, when: number, forget: () => void) {
    super(loop, callback, label);
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
