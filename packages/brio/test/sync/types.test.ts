import type { Barrier } from "brio";
import { BoundedSemaphore, Condition, type Event, Lock, RateLimiter, Semaphore } from "brio";
import { describe, expect, expectTypeOf, it } from "vitest";

describe("the types of the primitives", () => {
  it("take no loop: a primitive belongs to the loop that waits for it first", () => {
    const loop = { loop: null };
    // @ts-expect-error a lock takes nothing
    expect(new Lock(loop).locked()).toBe(false);
    // @ts-expect-error a condition takes a lock
    expect(() => new Condition(loop)).toThrow(TypeError);
    // @ts-expect-error a semaphore takes a number
    expect(() => new Semaphore(loop)).toThrow(RangeError);
    // @ts-expect-error a semaphore takes a number
    expect(() => new BoundedSemaphore(loop)).toThrow(RangeError);
  });

  it("resolve acquire with the primitive of its own class, to be disposed of", () => {
    expectTypeOf<ReturnType<Lock["acquire"]>>().resolves.toEqualTypeOf<Lock>();
    expectTypeOf<ReturnType<Semaphore["acquire"]>>().resolves.toEqualTypeOf<Semaphore>();
    expectTypeOf<ReturnType<BoundedSemaphore["acquire"]>>().resolves.toEqualTypeOf<BoundedSemaphore>();
    expectTypeOf<ReturnType<Condition["acquire"]>>().resolves.toEqualTypeOf<Condition>();
    expectTypeOf<Lock>().toExtend<Disposable & AsyncDisposable>();
    expectTypeOf<Condition>().toExtend<Disposable & AsyncDisposable>();
    expectTypeOf<BoundedSemaphore>().toExtend<Disposable & AsyncDisposable>();
    expectTypeOf<BoundedSemaphore>().toExtend<Semaphore>();
  });

  it("are true where only true comes out, and a number for a barrier's order", () => {
    expectTypeOf<ReturnType<Event["wait"]>>().resolves.toEqualTypeOf<true>();
    expectTypeOf<ReturnType<Condition["wait"]>>().resolves.toEqualTypeOf<true>();
    expectTypeOf<ReturnType<Barrier["wait"]>>().resolves.toEqualTypeOf<number>();
    expectTypeOf<Barrier["nWaiting"]>().toEqualTypeOf<number>();
  });

  it("pass on what the function given to with() returns, and what a predicate does", () => {
    const lock = new Lock();
    expectTypeOf(() => lock.with(async () => 1)).returns.resolves.toEqualTypeOf<number>();
    expectTypeOf(() => lock.with(() => "text")).returns.resolves.toEqualTypeOf<string>();
    const limiter = new RateLimiter({ limit: 1, per: "1s" });
    expectTypeOf(() => limiter.with(async () => 1)).returns.resolves.toEqualTypeOf<number>();
    const condition = new Condition(lock);
    expectTypeOf(() => condition.waitFor(() => [1])).returns.resolves.toEqualTypeOf<number[]>();
  });
});
