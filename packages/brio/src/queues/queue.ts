import { inspect } from "node:util";
import { immediate } from "../cancel/immediate.ts";
import { ParkingLot } from "../cancel/parking-lot.ts";
import { ambientScope, outsideTask } from "../cancel/scope.ts";
import { AGAIN, Wait, type WaitSource } from "../cancel/wait.ts";
import { heedCancellation } from "../compose/sleep.ts";
import { Binding } from "../sync/binding.ts";
import { QueueEmpty, QueueFull, QueueShutDown } from "./errors.ts";
import { Fifo, type Store } from "./store.ts";

/** How a queue is shut down. */
export interface ShutdownOptions {
  /** Drop what is in the queue, instead of letting it be got. Default false. */
  immediate?: boolean;
}

/** The state of a {@link Queue}. */
export interface QueueStatistics {
  readonly size: number;
  /** 0: unbounded. */
  readonly maxsize: number;
  /** Items put and not reported with `taskDone` yet. */
  readonly unfinished: number;
  readonly gettersWaiting: number;
  readonly puttersWaiting: number;
  readonly shutDown: boolean;
}

/*
 * Lines
 *
 * `getters` wait for an item, `putters` for room. A put that succeeds wakes the first getter, a get that succeeds
 * wakes the first putter. Waking promises nothing: at its turn a waiter looks again, and lines up at the back if
 * somebody was faster (asyncio's rule). A woken waiter that was cancelled passes the wake-up on if it is still of use.
 */

/**
 * A first-in, first-out queue between tasks, with a bound that makes producers wait.
 *
 * @example
 * ```ts
 * import { Queue, run, taskGroup } from "brio";
 *
 * await run(async () => {
 *   const queue = new Queue<number>(2); // a producer waits while it holds two
 *   await taskGroup(async (group) => {
 *     group.createTask(async () => {
 *       for await (const item of queue) console.log(item); // 1, then 2, then 3
 *     });
 *     for (const item of [1, 2, 3]) await queue.put(item);
 *     queue.shutdown();
 *   });
 * });
 * ```
 */
export class Queue<T> implements AsyncIterable<T> {
  /** How many items it holds at most; 0: any number. */
  readonly maxsize: number;
  private readonly store: Store<T>;
  private readonly getters: Getters<T>;
  private readonly putters: Putters<T>;
  private readonly joiners: Joiners<T>;
  private readonly binding = new Binding();
  private unfinished = 0;
  private isShutDown = false;

  /** @param maxsize an integer; default 0: unbounded */
  constructor(maxsize?: number);
  /** @internal */
  constructor(maxsize: number | undefined, store: Store<T>);
  constructor(maxsize = 0, store: Store<T> = new Fifo<T>()) {
    if (!Number.isInteger(maxsize)) {
      throw new RangeError(
        `a queue's maxsize must be an integer (0: unbounded), such as new Queue(100); got ${inspect(maxsize)}`,
      );
    }
    this.maxsize = Math.max(maxsize, 0);
    this.store = store;
    this.getters = new Getters(this);
    this.putters = new Putters(this);
    this.joiners = new Joiners(this);
  }

  /** How many items are in it. */
  qsize(): number {
    return this.store.size;
  }

  /** Are there no items in it? */
  empty(): boolean {
    return this.store.size === 0;
  }

  /** Is there no room? Never true of an unbounded queue. */
  full(): boolean {
    return this.maxsize > 0 && this.store.size >= this.maxsize;
  }

  /**
   * Puts an item in; waits while the queue is full.
   *
   * *Cancel safety*: a cancelled `put` has put nothing in.
   *
   * @throws QueueShutDown if the queue was shut down, also while waiting.
   */
  put(item: T): Promise<void> {
    const scope = ambientScope();
    if (scope === undefined) return outsideTask("queue.put()");
    if (this.isShutDown) return Promise.reject(this.shutDownError("put"));
    if (!this.full()) {
      try {
        this.add(item);
      } catch (error) {
        return Promise.reject(error); // an item that can't be ordered
      }
      return immediate(scope, undefined);
    }
    const elsewhere = this.binding.claim(scope.loop, this);
    if (elsewhere !== null) return Promise.reject(elsewhere);
    const wait = new Wait<void>(scope, this.putters);
    wait.value = item;
    this.putters.lot.add(wait);
    return wait.begin();
  }

  /**
   * Takes an item out; waits while there is none.
   *
   * *Cancel safety*: a cancelled `get` has taken nothing out.
   *
   * @throws QueueShutDown if the queue was shut down and is empty, also while waiting.
   */
  get(): Promise<T> {
    const scope = ambientScope();
    if (scope === undefined) return outsideTask("queue.get()");
    if (this.store.size > 0) {
      try {
        return immediate(scope, this.remove());
      } catch (error) {
        return Promise.reject(error); // items that can't be ordered
      }
    }
    if (this.isShutDown) return Promise.reject(this.shutDownError("get"));
    const elsewhere = this.binding.claim(scope.loop, this);
    if (elsewhere !== null) return Promise.reject(elsewhere);
    const wait = new Wait<T>(scope, this.getters);
    this.getters.lot.add(wait);
    return wait.begin();
  }

  /** Puts an item in at once. @throws QueueFull; QueueShutDown. */
  putNowait(item: T): void {
    if (this.isShutDown) throw this.shutDownError("putNowait");
    if (this.full())
      throw new QueueFull(`queue.putNowait(): the queue is full (${this.maxsize} of ${this.maxsize} items)`);
    this.add(item);
  }

  /** Takes an item out at once. @throws QueueEmpty; QueueShutDown if it is shut down and empty. */
  getNowait(): T {
    if (this.store.size === 0) {
      throw this.isShutDown
        ? this.shutDownError("getNowait")
        : new QueueEmpty("queue.getNowait(): the queue is empty");
    }
    return this.remove();
  }

  /** Says that an item which was got has been dealt with; `join` waits for that. @throws RangeError if called too often. */
  taskDone(): void {
    if (this.unfinished === 0) {
      throw new RangeError(
        "queue.taskDone() was called more often than items were put; call it once for each item got",
      );
    }
    this.unfinished--;
    if (this.unfinished === 0) this.joiners.lot.grantAll();
  }

  /**
   * Waits until every item that was put has been got and reported with `taskDone`.
   *
   * *Cancel safety*: nothing is lost.
   */
  join(): Promise<void> {
    const scope = ambientScope();
    if (scope === undefined) return outsideTask("queue.join()");
    if (this.unfinished === 0) return immediate(scope, undefined);
    const elsewhere = this.binding.claim(scope.loop, this);
    if (elsewhere !== null) return Promise.reject(elsewhere);
    const wait = new Wait<void>(scope, this.joiners);
    this.joiners.lot.add(wait);
    return wait.begin();
  }

  /**
   * Ends the queue: `put` throws QueueShutDown from now on, and `get` does when the queue is empty. With
   * `{ immediate: true }` what is in it is dropped, and counts as dealt with.
   */
  shutdown(options: ShutdownOptions | boolean = {}): void {
    const dropAll = typeof options === "boolean" ? options : (options.immediate ?? false);
    this.isShutDown = true;
    if (dropAll) {
      this.unfinished = Math.max(0, this.unfinished - this.store.size);
      this.store.clear();
      if (this.unfinished === 0) this.joiners.lot.grantAll();
    }
    this.getters.lot.grantAll();
    this.putters.lot.grantAll();
  }

  /**
   * Gets items until the queue is shut down and empty. Call `taskDone` yourself if somebody joins.
   *
   * *Cancel safety*: no item is lost. Unlike `get`, which succeeds where it need not wait, a loop in a cancelled scope
   * ends before the next item, however many there are.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      let item: T;
      try {
        await heedCancellation();
        item = await this.get();
      } catch (error) {
        if (error instanceof QueueShutDown) return;
        throw error;
      }
      yield item;
    }
  }

  /** Its state. */
  statistics(): QueueStatistics {
    return {
      size: this.store.size,
      maxsize: this.maxsize,
      unfinished: this.unfinished,
      gettersWaiting: this.getters.lot.length,
      puttersWaiting: this.putters.lot.length,
      shutDown: this.isShutDown,
    };
  }

  toString(): string {
    const bound = this.maxsize > 0 ? ` of ${this.maxsize}` : "";
    return `<${this.constructor.name} ${this.store.size}${bound}${this.isShutDown ? " shut down" : ""}>`;
  }

  /** @internal */
  add(item: T): void {
    this.store.add(item);
    this.unfinished++;
    this.getters.lot.grantNext();
  }

  /** @internal */
  remove(): T {
    const item = this.store.remove();
    this.putters.lot.grantNext();
    return item;
  }

  /** @internal */
  get ended(): boolean {
    return this.isShutDown;
  }

  /** @internal */
  shutDownError(operation: string): QueueShutDown {
    return new QueueShutDown(`queue.${operation}(): the queue was shut down`);
  }
}

/** One of a queue's lines. */
abstract class Line<T, R> implements WaitSource<R> {
  abstract readonly kind: string;
  readonly lot = new ParkingLot<R>();
  protected readonly queue: Queue<T>;

  constructor(queue: Queue<T>) {
    this.queue = queue;
  }

  take(wait: Wait<R>): R | typeof AGAIN {
    this.lot.remove(wait);
    try {
      return this.serve(wait);
    } catch (error) {
      this.passOn();
      throw error;
    }
  }

  withdraw(wait: Wait<R>, granted: boolean): undefined {
    this.lot.remove(wait);
    if (granted) this.passOn();
  }

  /** The wait has been woken, and has left the line. What it throws rejects the wait. */
  protected abstract serve(wait: Wait<R>): R | typeof AGAIN;

  /** One who was woken has made no use of it. */
  private passOn(): void {
    if (this.useful()) this.lot.grantNext();
  }

  /** Is a wake-up still of use to the next in line? */
  protected abstract useful(): boolean;

  protected back(wait: Wait<R>): typeof AGAIN {
    this.lot.add(wait);
    return AGAIN;
  }

  toString(): string {
    return String(this.queue);
  }
}

class Getters<T> extends Line<T, T> {
  readonly kind = "queue.get";

  protected serve(wait: Wait<T>): T | typeof AGAIN {
    if (!this.queue.empty()) return this.queue.remove();
    if (this.queue.ended) throw this.queue.shutDownError("get");
    return this.back(wait);
  }

  protected useful(): boolean {
    return !this.queue.empty();
  }
}

class Putters<T> extends Line<T, void> {
  readonly kind = "queue.put";

  protected serve(wait: Wait<void>): undefined | typeof AGAIN {
    if (this.queue.ended) throw this.queue.shutDownError("put");
    if (this.queue.full()) return this.back(wait);
    this.queue.add(wait.value as T); // put() lined it up with its item
    return undefined;
  }

  protected useful(): boolean {
    return !this.queue.full();
  }
}

class Joiners<T> extends Line<T, void> {
  readonly kind = "queue.join";

  protected serve(): undefined {}

  protected useful(): boolean {
    return false;
  }
}
