import { inspect } from "node:util";
import { TimeoutError } from "../cancel/errors.ts";
import { ParkingLot } from "../cancel/parking-lot.ts";
import { requireScope } from "../cancel/scope.ts";
import { AGAIN, Wait, type WaitSource } from "../cancel/wait.ts";
import { type Duration, optionalMilliseconds } from "../loop/duration.ts";
import type { Alarm } from "../loop/handle.ts";
import { type Awaitable, futureOf, isIterable, type Result, requireFrame } from "../tasks/awaitable.ts";
import { Coroutine } from "../tasks/coroutine.ts";
import type { Future } from "../tasks/future.ts";
import { Watcher } from "../tasks/listeners.ts";

/** Options of {@link asCompleted}. */
export interface AsCompletedOptions {
  /** Counted from the call. When it is over, what has not been given out yet throws TimeoutError. Default: no limit. */
  timeout?: Duration | null;
}

/**
 * A future that is done: ask for its `result()`. It is the very future (or task) that was given to `asCompleted`, typed
 * without `then`: TypeScript takes what `for await` gives for awaited already, and it is not.
 */
export type CompletedFuture<T> = Omit<Future<T>, "then" | "catch" | "finally">;

/** What {@link asCompleted} returns: iterate it plainly, or with `for await`. */
export interface AsCompleted<A>
  extends Iterable<Coroutine<Result<A>>>,
    AsyncIterable<CompletedFuture<Result<A>>> {}

/** In a box, as a promise can't resolve with a future itself. Null stands for the timeout. */
interface Arrival {
  readonly future: Future<unknown> | null;
}

/** The futures in the order in which they ended. */
class Arrivals implements WaitSource<Arrival> {
  readonly kind = "asCompleted";
  private readonly open: Set<Future<unknown>>;
  private readonly line: Arrival[] = [];
  private readonly lot = new ParkingLot<Arrival>();
  private readonly watcher: Watcher;
  private readonly alarm: Alarm | null;
  /** How many are still to be given out. */
  left: number;

  constructor(futures: Set<Future<unknown>>, limit: number | null) {
    this.open = futures;
    this.left = futures.size;
    this.watcher = new Watcher((future) => this.arrived(future), null);
    const [first] = futures;
    const loop = first?.loop;
    this.alarm =
      limit === null || loop === undefined ? null : loop.alarm(loop.time() + limit, () => this.timeIsOver());
    for (const future of futures) future.observe(this.watcher);
  }

  private arrived(future: Future<unknown>): void {
    if (!this.open.delete(future)) return;
    this.put(future);
    if (this.open.size === 0) this.alarm?.cancel();
  }

  private timeIsOver(): void {
    for (const future of this.open) {
      future.unobserve(this.watcher);
      this.put(null);
    }
    this.open.clear();
  }

  private put(arrival: Future<unknown> | null): void {
    this.line.push({ future: arrival });
    this.lot.grantNext();
  }

  async next(): Promise<Arrival> {
    const arrival = this.line.shift();
    if (arrival !== undefined) return arrival;
    const wait = new Wait<Arrival>(requireScope("asCompleted()"), this);
    this.lot.add(wait);
    return await wait.begin();
  }

  take(wait: Wait<Arrival>): Arrival | typeof AGAIN {
    this.lot.remove(wait);
    const arrival = this.line.shift();
    if (arrival !== undefined) return arrival;
    this.lot.add(wait);
    return AGAIN;
  }

  withdraw(wait: Wait<Arrival>, granted: boolean): undefined {
    this.lot.remove(wait);
    if (granted && this.line.length > 0) this.lot.grantNext();
  }

  blockers(): Iterable<object> {
    return this.open;
  }

  toString(): string {
    return `${this.open.size} of the futures given to asCompleted()`;
  }
}

/**
 * Gives out awaitables in the order in which they end.
 *
 * `for await (const future of asCompleted(tasks))` gives the futures themselves, done (tasks are recognisable). Plain
 * iteration gives as many coroutines; awaiting one gives the result, or throws the error, of the next that ends.
 *
 * *Cancel safety*: the futures go on; what ended meanwhile is not lost.
 *
 * @throws TimeoutError when the timeout is over: once in `for await`, for each that is left in plain iteration.
 *
 * @example
 * ```ts
 * import { asCompleted, run, sleep } from "brio";
 *
 * await run(async () => {
 *   for await (const future of asCompleted([() => sleep("20ms", "b"), () => sleep("10ms", "a")])) {
 *     console.log(future.result()); // a, then b
 *   }
 * });
 * ```
 */
export function asCompleted<A extends Awaitable<unknown>>(
  awaitables: Iterable<A>,
  options: AsCompletedOptions = {},
): AsCompleted<A> {
  if (!isIterable(awaitables)) {
    throw new TypeError(
      `asCompleted() takes an iterable of awaitables: asCompleted([task]); got ${inspect(awaitables)}`,
    );
  }
  const limit = optionalMilliseconds(options.timeout, "timeout");
  const frame = requireFrame("asCompleted()");
  const futures = new Set<Future<unknown>>();
  const coroutines = new Set<unknown>();
  for (const awaitable of awaitables) {
    // The same coroutine twice is run once; a function is run each time it is given.
    if (awaitable instanceof Coroutine) {
      if (coroutines.has(awaitable)) continue;
      coroutines.add(awaitable);
    }
    futures.add(futureOf(awaitable, "asCompleted()", frame));
  }
  const arrivals = new Arrivals(futures, limit);

  const nextResult = async (): Promise<Result<A>> => {
    const { future } = await arrivals.next();
    if (future === null) throw new TimeoutError("the time given to asCompleted() was over");
    return future.result() as Result<A>; // the futures were made of A
  };

  return {
    *[Symbol.iterator]() {
      while (arrivals.left > 0) {
        arrivals.left--;
        yield new Coroutine<Result<A>>("asCompleted", nextResult);
      }
    },
    // By hand: an async generator would await the futures it yields.
    [Symbol.asyncIterator]() {
      return {
        async next(): Promise<IteratorResult<CompletedFuture<Result<A>>>> {
          if (arrivals.left === 0) return { done: true, value: undefined };
          // Spoken for from here on, as the next call may come before this one has ended.
          arrivals.left--;
          let arrival: Arrival;
          try {
            arrival = await arrivals.next();
          } catch (error) {
            arrivals.left++; // cancelled: it has given nothing out
            throw error;
          }
          const { future } = arrival;
          if (future !== null) return { done: false, value: future as Future<Result<A>> }; // the futures were made of A
          arrivals.left = 0;
          throw new TimeoutError("the time given to asCompleted() was over");
        },
      };
    },
  };
}
