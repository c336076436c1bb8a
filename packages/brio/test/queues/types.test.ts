import { LifoQueue, PriorityQueue, Queue } from "brio";
import { describe, expectTypeOf, it } from "vitest";

describe("the types of the queues", () => {
  it("know what is in them", () => {
    const queue = new Queue<number>();
    expectTypeOf(queue.put).parameter(0).toEqualTypeOf<number>();
    expectTypeOf(queue.get).returns.resolves.toEqualTypeOf<number>();
    expectTypeOf(queue.getNowait).returns.toEqualTypeOf<number>();
    expectTypeOf(queue).toExtend<AsyncIterable<number>>();
    // @ts-expect-error a string is no number
    queue.putNowait("text");
  });

  it("are those of a Queue for the other orders", () => {
    expectTypeOf<LifoQueue<string>>().toExtend<Queue<string>>();
    expectTypeOf<PriorityQueue<string>>().toExtend<Queue<string>>();
    expectTypeOf(new LifoQueue<string>().get).returns.resolves.toEqualTypeOf<string>();
  });

  it("give an order's function two items", () => {
    const queue = new PriorityQueue<{ priority: number }>(0, { compare: (a, b) => a.priority - b.priority });
    expectTypeOf(queue.get).returns.resolves.toEqualTypeOf<{ priority: number }>();
    // @ts-expect-error a comparison that says only yes or no is no order
    new PriorityQueue<number>(0, { compare: (a, b) => a < b });
  });
});
