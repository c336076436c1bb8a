import process from "node:process";
import { setImmediate } from "node:timers";
import { type Clock, type ClockHost, SystemClock } from "./clock.ts";
import { closedError } from "./errors.ts";
import { Alarm } from "./handle.ts";
import { type ReadyEntry, ReadyQueue } from "./ready-queue.ts";
import { type TimerEntry, TimerHeap } from "./timers.ts";

/*
 * The baton
 *
 * Entries of the ready queue run one at a time. An entry that resumes a task, or calls a callback, settles one
 * native promise; that code then runs in microtasks, and nobody else may run until it really waits or ends, so the
 * drain stops and the task holds the baton. `park` (the task has registered a wait, or has ended) gives it back, and
 * drains on from there.
 * A task that went into a foreign promise gives no sign; but a `process.nextTick` callback that was queued by a
 * microtask runs only when no microtask is left, so it takes the baton from whoever still has it. (Queued by
 * anything else it would run before them.)
 *
 *   idle      nothing is ready, the clock is armed
 *   ticking   a tick is queued with process.nextTick; entries run, or a task holds the baton
 *   yielded   the slice is spent: a setImmediate is queued, sockets, timers and signals have their turn
 *   closed
 *
 *   idle -> ticking (push, wake, enter) -> idle (a tick finds nothing ready)
 *           ticking -> yielded (slice spent) -> ticking (setImmediate)
 *
 * `active` counts the tasks that hold the baton: one, and any that it starts eagerly meanwhile. A holder is
 * known by `holder.epoch === loop.epoch`; raising the epoch takes the baton from everybody.
 *
 * An iteration runs the entries that were ready at its start; timers that have fallen due come in behind
 * them. Those are asyncio's rules, and its order of events.
 */
type Phase = "idle" | "ticking" | "yielded" | "closed";

/** A task, as far as the loop needs to know it. */
export interface BatonHolder {
  /** @internal */
  epoch: number;
}

/** Milliseconds for which tasks may keep Node from polling for I/O. */
const SLICE = 2;
/** How many operations pass between two looks at the clock. */
const CREDIT = 16;
/** Under a virtual clock, a slice is this many looks: time would not be deterministic. */
const VIRTUAL_SLICE = 512;

const MICROTASK = Promise.resolve();

/** Ready queue, timers, clock and baton: what runs when. */
export abstract class Scheduler implements ClockHost {
  /** @internal */ epoch = 1;
  /** @internal For brio/testing: sees each entry as it becomes ready; true sends it to the back of the queue. */
  perturb: ((entry: ReadyEntry) => boolean) | null = null;
  /** @internal For brio/testing: called when a task is about to run on, before its code does. */
  resuming: ((holder: BatonHolder) => void) | null = null;
  /** @internal Called each time that nothing is ready any more. */
  readonly idleListeners: Set<() => void> = new Set();
  /** @internal */ debug = false;
  /** @internal How many waits have begun since it was closed. */ lateWaits = 0;

  private readonly ready = new ReadyQueue();
  private readonly timers = new TimerHeap();
  private readonly clock: Clock;
  private phase: Phase = "idle";
  private active = 0;
  private draining = false;
  private fresh = false;
  private left = 0;
  private credit = CREDIT;
  private looks = 0;
  private sliceStart = 0;
  private coarse = 0;

  /** @internal */
  constructor(clock: Clock = new SystemClock()) {
    this.clock = clock;
    this.coarse = clock.now();
  }

  /** The loop's time in milliseconds: monotonic, on a scale of its own (0 at the start of a virtual clock). */
  time(): number {
    return this.clock.now();
  }

  /** @internal A callback or step took `took` milliseconds (debug mode). */
  protected abstract ran(what: object, took: number): void;

  // -- state -------------------------------------------------------------------------------------------

  /** Has it ended for good? */
  isClosed(): boolean {
    return this.phase === "closed";
  }

  /** @internal */
  get idle(): boolean {
    return this.phase === "idle";
  }

  /** @internal The time of the last look at the clock: cheap, and good enough to say since when something waits. */
  get recently(): number {
    return this.clock.virtual ? this.clock.now() : this.coarse;
  }

  /** @internal */
  get timersPending(): boolean {
    return this.timers.next() !== null;
  }

  /** @internal */
  get virtual(): boolean {
    return this.clock.virtual;
  }

  /** @internal Drops everything that is scheduled. */
  shut(): void {
    this.phase = "closed";
    this.clock.disarm(this);
    this.ready.clear();
    this.timers.clear();
  }

  /** @internal */
  assertOpen(): void {
    if (this.phase === "closed") {
      throw closedError();
    }
  }

  // -- scheduling, for the layers above ----------------------------------------------------------------

  /** @internal Puts an entry at the end of the ready queue. */
  push(entry: ReadyEntry): void {
    if (this.perturb?.(entry)) {
      this.enqueue(new Detour(this, entry));
    } else {
      this.enqueue(entry);
    }
  }

  /** @internal */
  enqueue(entry: ReadyEntry): void {
    if (this.phase === "idle") {
      this.phase = "ticking";
      this.fresh = true;
      MICROTASK.then(this.queueTick);
    } else if (this.phase === "closed") {
      // Something that was abandoned at shutdown has come back: nobody is left to be told.
      return;
    }
    this.ready.push(entry);
  }

  /** @internal */
  addTimer(when: number, entry: TimerEntry): void {
    if (this.phase === "closed") return;
    this.timers.add(when, entry);
    if (this.phase === "idle") this.clock.arm(this, this.timers.next());
  }

  /** @internal A timer entry died while it was in the heap. */
  timerDied(): void {
    this.timers.died();
  }

  /** @internal The entry that runs now resumes this task: it takes the baton. */
  take(holder: BatonHolder): void {
    this.epoch++;
    holder.epoch = this.epoch;
    this.active = 1;
    if (this.debug) this.stepStart = performance.now();
    if (this.resuming !== null) this.resuming(holder);
  }

  /** @internal A task starts eagerly, inside somebody else's step. */
  join(holder: BatonHolder): void {
    if (this.active === 0) this.epoch++;
    holder.epoch = this.epoch;
    this.active++;
  }

  /** @internal A task has registered a wait, or has ended. */
  park(holder: BatonHolder): void {
    if (holder.epoch !== this.epoch) return;
    holder.epoch = 0;
    if (--this.active > 0) return;
    if (this.debug) this.checkStep(holder);
    if (this.phase === "ticking") this.drain();
  }

  /** @internal Is this task's code running as the holder of the baton? */
  holds(holder: BatonHolder): boolean {
    return holder.epoch === this.epoch && this.active > 0;
  }

  /**
   * @internal An operation succeeded without waiting. True when the slice is spent, so that it should yield:
   * a program that only does such operations must still let I/O through.
   */
  overspent(): boolean {
    if (--this.credit > 0) return false;
    if (!this.look()) return false;
    this.credit = 1;
    return true;
  }

  // -- the drain ---------------------------------------------------------------------------------------

  /** The baton is free: runs entries until one takes it. */
  private drain(): void {
    if (this.draining) return;
    this.draining = true;
    while (this.active === 0 && this.phase === "ticking") {
      if (this.left === 0 && !this.turn()) break;
      if (--this.credit <= 0 && this.look()) {
        this.yield();
        break;
      }
      this.left--;
      this.ready.shift().run();
    }
    this.draining = false;
  }

  private readonly queueTick = (): void => {
    process.nextTick(this.tick);
  };

  private readonly tick = (): void => {
    if (this.phase !== "ticking") return;
    if (this.fresh) this.startSlice();
    this.active = 0;
    this.epoch++;
    this.drain();
    // The drain may have closed the loop or yielded.
    if ((this.phase as Phase) !== "ticking") return;
    if (this.active > 0 || this.ready.length > 0) {
      MICROTASK.then(this.queueTick);
    } else {
      this.rest();
    }
  };

  private rest(): void {
    this.phase = "idle";
    this.left = 0;
    for (const listener of this.idleListeners) listener();
    if ((this.phase as Phase) === "idle") this.clock.arm(this, this.timers.next());
  }

  /** Called by the clock. */
  wake(): void {
    if (this.enter()) this.tick();
  }

  /**
   * @internal Node has called, with nobody's code on the stack: an event of a socket, say. If it is true, what becomes ready
   * until {@link leave} runs there and then. If it is false, the loop is at work, and there is nothing to leave.
   */
  enter(): boolean {
    if (this.phase !== "idle") return false;
    this.phase = "ticking";
    this.fresh = true;
    return true;
  }

  /** @internal */
  leave(): void {
    this.tick();
  }

  private yield(): void {
    this.phase = "yielded";
    setImmediate(this.resume);
  }

  private readonly resume = (): void => {
    if (this.phase !== "yielded") return;
    this.phase = "ticking";
    this.startSlice();
    this.tick();
  };

  private startSlice(): void {
    this.fresh = false;
    this.credit = CREDIT;
    this.looks = 0;
    this.coarse = this.clock.now();
    this.sliceStart = this.coarse;
  }

  /** Begins an iteration: due timers come in behind what is ready. False if there is nothing to run. */
  private turn(): boolean {
    const now = this.clock.virtual ? this.clock.now() : this.coarse;
    this.timers.takeDue(now, this.admit);
    this.left = this.ready.length;
    return this.left > 0;
  }

  private readonly admit = (entry: TimerEntry): void => {
    this.ready.push(this.perturb?.(entry) ? new Detour(this, entry) : entry);
  };

  /** Looks at the clock, once in a while. True if the slice is spent. */
  private look(): boolean {
    this.credit = CREDIT;
    if (this.clock.virtual) return ++this.looks > VIRTUAL_SLICE;
    this.coarse = this.clock.now();
    return this.coarse - this.sliceStart > SLICE;
  }

  /** @internal For brio's own callbacks: no frame, no error handling. */
  alarm(when: number, callback: () => void): Alarm {
    const alarm = new Alarm(callback, () => this.timers.died());
    this.addTimer(when, alarm);
    return alarm;
  }

  /** @internal */
  soon(callback: () => void): Alarm {
    const alarm = new Alarm(callback, null);
    alarm.due();
    this.push(alarm);
    return alarm;
  }

  // -- debug mode --------------------------------------------------------------------------------------

  private stepStart = 0;

  private checkStep(holder: BatonHolder): void {
    if (this.stepStart > 0) this.ran(holder, performance.now() - this.stepStart);
    this.stepStart = 0;
  }
}

/** Takes an entry's place in the queue, and puts it in at the back, where it may be sent on once more. */
class Detour implements ReadyEntry {
  private readonly loop: Scheduler;
  private readonly entry: ReadyEntry;

  constructor(loop: Scheduler, entry: ReadyEntry) {
    this.loop = loop;
    this.entry = entry;
  }

  run(): void {
    this.loop.push(this.entry);
  }
}
