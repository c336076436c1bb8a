import { inspect } from "node:util";
import { immediate } from "../cancel/immediate.ts";
import { ParkingLot } from "../cancel/parking-lot.ts";
import { ambientScope, outsideTask } from "../cancel/scope.ts";
import { AGAIN, Wait, type WaitSource } from "../cancel/wait.ts";
import { heedCancellation } from "../compose/sleep.ts";
import { Binding } from "../sync/binding.ts";
import { QueueFull, QueueShutDown } from "./errors.ts";

/** A subscriber was too slow, and items were dropped that it had not got yet. */
export class LagError extends Error {
  override name = "LagError";
  /** How many it lost. */
  readonly missed: number;

  constructor(missed: number) {
    super(
      `this subscriber was too slow and lost ${missed} item${missed === 1 ? "" : "s"}; the next get() goes on after them`,
    );
    this.missed = missed;
  }
}

/** What becomes of a subscriber that is too slow: see {@link BroadcastOptions.lag}. */
export type LagPolicy = "drop-oldest" | "error" | "block";

/** What a {@link Broadcast} is made with. */
export interface BroadcastOptions {
  /** How many items are kept for slow subscribers, an integer >= 1. Default 16. */
  capacity?: number;
  /**
   * What becomes of a subscriber that is more than `capacity` items behind: it loses the oldest (`"drop-oldest"`, the
   * default; `subscription.missed` counts them), it gets a {@link LagError} (`"error"`), or `publish` waits for it
   * (`"block"`).
   */
  lag?: LagPolicy;
}

/** The state of a {@link Broadcast}. */
export interface BroadcastStatistics {
  readonly capacity: number;
  /** Items kept for the slowest subscriber. */
  readonly size: number;
  readonly subscribers: number;
  readonly publishersWaiting: number;
  readonly closed: boolean;
}

/**
 * Gives every item to every subscriber. A subscriber gets what is published after it has subscribed.
 *
 * @example
 * ```ts
 * import { Broadcast, run, taskGroup } from "brio";
 *
 * await run(async () => {
 *   const news = new Broadcast<string>({ capacity: 100 });
 *   await taskGroup(async (group) => {
 *     for (const name of ["a", "b"]) {
 *       const subscription = news.subscribe();
 *       group.createTask(async () => {
 *         for await (const item of subscription) console.log(name, item); // a hello, then b hello
 *       });
 *     }
 *     await news.publish("hello");
 *     news.close();
 *   });
 * });
 * ```
 */
export class Broadcast<T> {
  /** How many items are kept for slow subscribers. */
  readonly capacity: number;
  private readonly lag: LagPolicy;
  private readonly subscriptions = new Set<Subscription<T>>();
  private readonly getters = new ParkingLot<T>();
  private readonly publishers: Publishers<T>;
  private readonly binding = new Binding();
  /** Item number n stands in `ring[n % capacity]`, for `oldest <= n < end`. */
  private readonly ring: (T | undefined)[];
  private oldest = 0;
  private end = 0;
  private isClosed = false;

  constructor(options: BroadcastOptions = {}) {
    const { capacity = 16, lag = "drop-oldest" } = options;
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(
        `capacity must be an integer >= 1, such as new Broadcast({ capacity: 100 }); got ${inspect(capacity)}`,
      );
    }
    if (lag !== "drop-oldest" && lag !== "error" && lag !== "block") {
      throw new RangeError(`lag must be "drop-oldest", "error" or "block"; got ${inspect(lag)}`);
    }
    this.capacity = capacity;
    this.lag = lag;
    this.ring = new Array(capacity);
    this.publishers = new Publishers(this);
  }

  /** Subscribes to what is published from now on. Close it, or dispose of it (`using`), when it is no longer read. */
  subscribe(): Subscription<T> {
    const subscription = new Subscription<T>(this, this.end);
    this.subscriptions.add(subscription);
    return subscription;
  }

  /**
   * Gives an item to all subscribers. Waits only with the policy `"block"`, while a subscriber has no room.
   *
   * *Cancel safety*: a cancelled `publish` has published nothing.
   *
   * @throws QueueShutDown if the broadcast is closed, also while waiting.
   */
  publish(item: T): Promise<void> {
    const scope = ambientScope();
    if (scope === undefined) return outsideTask("broadcast.publish()");
    if (this.isClosed) return Promise.reject(shutDown("publish"));
    if (!this.full && !this.publishers.lot.alive) {
      this.add(item);
      return immediate(scope, undefined);
    }
    const elsewhere = this.binding.claim(scope.loop, this);
    if (elsewhere !== null) return Promise.reject(elsewhere);
    const wait = new Wait<void>(scope, this.publishers);
    wait.value = item;
    this.publishers.lot.add(wait);
    return wait.begin();
  }

  /** Gives an item to all subscribers at once. @throws QueueFull where `publish` would wait; QueueShutDown. */
  publishNowait(item: T): void {
    if (this.isClosed) throw shutDown("publishNowait");
    if (this.full)
      throw new QueueFull(`broadcast.publishNowait(): a subscriber is ${this.capacity} items behind`);
    this.add(item);
  }

  /** Ends it: subscribers get what there is, and then QueueShutDown (the end of `for await`). */
  close(): void {
    this.isClosed = true;
    this.getters.grantAll();
    this.publishers.lot.grantAll();
  }

  /** Its state. */
  statistics(): BroadcastStatistics {
    return {
      capacity: this.capacity,
      size: this.end - Math.max(this.oldest, this.slowest()),
      subscribers: this.subscriptions.size,
      publishersWaiting: this.publishers.lot.length,
      closed: this.isClosed,
    };
  }

  toString(): string {
    return `<Broadcast to ${this.subscriptions.size} subscribers${this.isClosed ? ", closed" : ""}>`;
  }

  // -- for subscriptions and publishers ------------------------------------------------------------------

  /** @internal */
  get closed(): boolean {
    return this.isClosed;
  }

  /** @internal Has `publish` to wait? */
  get full(): boolean {
    return this.lag === "block" && this.end - this.slowest() >= this.capacity;
  }

  /** @internal */
  add(item: T): void {
    if (this.end - this.oldest === this.capacity) this.oldest++;
    this.ring[this.end % this.capacity] = item;
    this.end++;
    this.getters.grantAll();
  }

  /** @internal Is there something to get, or an end to be told of? */
  readable(subscription: Subscription<T>): boolean {
    return subscription.next < this.end || this.isClosed;
  }

  /** @internal The caller has checked `readable`. */
  read(subscription: Subscription<T>): T {
    if (subscription.next < this.oldest) {
      const missed = this.oldest - subscription.next;
      subscription.next = this.oldest;
      subscription.missed += missed;
      if (this.lag === "error") throw new LagError(missed);
    }
    if (subscription.next >= this.end) throw shutDown("get");
    const item = this.ring[subscription.next % this.capacity] as T; // between oldest and end
    subscription.next++;
    if (this.lag === "block" && !this.full) this.publishers.lot.grantNext();
    return item;
  }

  /** @internal */
  wait(subscription: Subscription<T>): Promise<T> {
    const scope = ambientScope();
    if (scope === undefined) return outsideTask("subscription.get()");
    if (this.readable(subscription)) {
      try {
        return immediate(scope, this.read(subscription));
      } catch (error) {
        return Promise.reject(error);
      }
    }
    const elsewhere = this.binding.claim(scope.loop, this);
    if (elsewhere !== null) return Promise.reject(elsewhere);
    const wait = new Wait<T>(scope, new Getter(this, subscription, this.getters));
    this.getters.add(wait);
    return wait.begin();
  }

  /** @internal */
  unsubscribe(subscription: Subscription<T>): void {
    if (!this.subscriptions.delete(subscription)) return;
    if (this.subscriptions.size === 0) {
      this.ring.fill(undefined);
      this.oldest = this.end;
    }
    if (this.lag === "block" && !this.full) this.publishers.lot.grantNext();
    this.getters.grantAll();
  }

  /** The number of the first item that somebody has not got yet. */
  private slowest(): number {
    let slowest = this.end;
    for (const { next } of this.subscriptions) if (next < slowest) slowest = next;
    return slowest;
  }
}

/** One reader of a {@link Broadcast}. */
export class Subscription<T> implements AsyncIterable<T>, Disposable {
  /** @internal The number of the item that it gets next. */ next: number;
  /** How many items it has lost by being too slow. */
  missed = 0;
  private readonly broadcast: Broadcast<T>;
  private open = true;

  /** @internal */
  constructor(broadcast: Broadcast<T>, next: number) {
    this.broadcast = broadcast;
    this.next = next;
  }

  /**
   * The next item; waits until there is one.
   *
   * *Cancel safety*: a cancelled `get` has taken nothing.
   *
   * @throws QueueShutDown when the broadcast or the subscription is closed and everything has been got; LagError.
   */
  get(): Promise<T> {
    return this.open ? this.broadcast.wait(this) : Promise.reject(shutDown("get"));
  }

  /** Ends the subscription. Twice is fine. */
  close(): void {
    if (!this.open) return;
    this.open = false;
    this.broadcast.unsubscribe(this);
  }

  /** @internal */
  get closed(): boolean {
    return !this.open;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Gets items until the broadcast is closed; leaving the loop closes the subscription.
   *
   * *Cancel safety*: no item is taken and not given out; a loop in a cancelled scope ends before the next item.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        await heedCancellation();
        yield await this.get();
      }
    } catch (error) {
      if (!(error instanceof QueueShutDown)) throw error;
    } finally {
      this.close();
    }
  }
}

function shutDown(operation: string): QueueShutDown {
  return new QueueShutDown(`${operation}(): the broadcast or the subscription was closed`);
}

class Getter<T> implements WaitSource<T> {
  readonly kind = "subscription.get";
  private readonly broadcast: Broadcast<T>;
  private readonly subscription: Subscription<T>;
  private readonly lot: ParkingLot<T>;

  constructor(broadcast: Broadcast<T>, subscription: Subscription<T>, lot: ParkingLot<T>) {
    this.broadcast = broadcast;
    this.subscription = subscription;
    this.lot = lot;
  }

  take(wait: Wait<T>): T | typeof AGAIN {
    this.lot.remove(wait);
    if (this.subscription.closed) throw shutDown("get");
    if (this.broadcast.readable(this.subscription)) return this.broadcast.read(this.subscription);
    this.lot.add(wait);
    return AGAIN;
  }

  withdraw(wait: Wait<T>): undefined {
    this.lot.remove(wait);
  }

  toString(): string {
    return String(this.broadcast);
  }
}

class Publishers<T> implements WaitSource<void> {
  readonly kind = "broadcast.publish";
  readonly lot = new ParkingLot<void>();
  private readonly broadcast: Broadcast<T>;

  constructor(broadcast: Broadcast<T>) {
    this.broadcast = broadcast;
  }

  take(wait: Wait<void>): undefined | typeof AGAIN {
    this.lot.remove(wait);
    if (this.broadcast.closed) throw shutDown("publish");
    if (this.broadcast.full) {
      this.lot.add(wait);
      return AGAIN;
    }
    this.broadcast.add(wait.value as T); // publish() lined it up with its item
    this.pass();
    return undefined;
  }

  withdraw(wait: Wait<void>, granted: boolean): undefined {
    this.lot.remove(wait);
    if (granted) this.pass();
  }

  /** There may be room for the next one as well. */
  private pass(): void {
    if (!this.broadcast.full) this.lot.grantNext();
  }

  toString(): string {
    return String(this.broadcast);
  }
}
