import {
  Broadcast,
  CancelledError,
  createTask,
  LagError,
  QueueFull,
  QueueShutDown,
  type Subscription,
  sleep,
} from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

async function drain<T>(subscription: Subscription<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of subscription) items.push(item);
  return items;
}

describe("Broadcast", () => {
  it("gives every item to every subscriber, in order, from the moment it subscribes", async () => {
    await runVirtual(async () => {
      const news = new Broadcast<number>();
      await news.publish(0);
      const early = createTask(() => drain(first));
      const first = news.subscribe();
      await news.publish(1);
      const second = news.subscribe();
      await news.publish(2);
      news.close();
      expect(await early).toEqual([1, 2]);
      expect(await drain(second)).toEqual([2]);
    });
  });

  it("wakes subscribers that wait", async () => {
    await runVirtual(async () => {
      const news = new Broadcast<string>();
      const tasks = [news.subscribe(), news.subscribe()].map((subscription) =>
        createTask(() => subscription.get()),
      );
      await sleep(1);
      news.publishNowait("hello");
      expect(await Promise.all(tasks)).toEqual(["hello", "hello"]);
    });
  });

  it("drops the oldest items of a slow subscriber, and counts them", async () => {
    await runVirtual(async () => {
      const news = new Broadcast<number>({ capacity: 2 });
      const slow = news.subscribe();
      for (let i = 0; i < 5; i++) await news.publish(i);
      expect(await slow.get()).toBe(3);
      expect(slow.missed).toBe(3);
      expect(await slow.get()).toBe(4);
      expect(news.statistics()).toMatchObject({ size: 0, subscribers: 1 });
    });
  });

  it("tells a slow subscriber with the policy error, and goes on after what is lost", async () => {
    await runVirtual(async () => {
      const news = new Broadcast<number>({ capacity: 2, lag: "error" });
      const slow = news.subscribe();
      for (let i = 0; i < 3; i++) news.publishNowait(i);
      const lag = await slow.get().catch((error: unknown) => error);
      expect(lag).toBeInstanceOf(LagError);
      expect((lag as LagError).missed).toBe(1);
      expect(await slow.get()).toBe(1);
    });
  });

  it("makes publishers wait for the slowest with the policy block, in the order in which they came", async () => {
    const events: string[] = [];
    await runVirtual(async () => {
      const news = new Broadcast<number>({ capacity: 1, lag: "block" });
      const fast = news.subscribe();
      const slow = news.subscribe();
      for (const i of [0, 1, 2]) {
        createTask(async () => {
          await news.publish(i);
          events.push(`published ${i}`);
        });
      }
      await sleep(1);
      expect(() => news.publishNowait(9)).toThrow(QueueFull);
      expect(news.statistics().publishersWaiting).toBe(2);
      events.push(`fast got ${await fast.get()}`);
      await sleep(1);
      events.push(`slow got ${await slow.get()}`);
      await sleep(1);
      events.push(`fast got ${await fast.get()}`, `slow got ${await slow.get()}`);
      await sleep(1);
      events.push(`fast got ${await fast.get()}`);
    });
    expect(events).toEqual([
      "published 0",
      "fast got 0",
      "slow got 0",
      "published 1",
      "fast got 1",
      "slow got 1",
      "published 2",
      "fast got 2",
    ]);
  });

  it("lets blocked publishers go on when the slowest subscriber leaves", async () => {
    await runVirtual(async () => {
      const news = new Broadcast<number>({ capacity: 1, lag: "block" });
      const slow = news.subscribe();
      await news.publish(1);
      const publisher = createTask(() => news.publish(2));
      await sleep(1);
      expect(publisher.done()).toBe(false);
      slow.close();
      await publisher;
      expect(news.statistics()).toMatchObject({ size: 0, subscribers: 0 });
    });
  });

  it("publishes nothing when a waiting publish is cancelled, and lets the next one in", async () => {
    await runVirtual(async () => {
      const news = new Broadcast<number>({ capacity: 1, lag: "block" });
      const subscription = news.subscribe();
      await news.publish(0);
      const cancelled = createTask(() => news.publish(1));
      const next = createTask(() => news.publish(2));
      await sleep(1);
      // Room is made, and the first in line is cancelled before its turn.
      const got = subscription.get();
      cancelled.cancel();
      expect(await got).toBe(0);
      await next;
      await expect(cancelled).rejects.toBeInstanceOf(CancelledError);
      expect(await subscription.get()).toBe(2);
    });
  });

  it("takes nothing when a waiting get is cancelled", async () => {
    await runVirtual(async () => {
      const news = new Broadcast<number>();
      const subscription = news.subscribe();
      const task = createTask(() => subscription.get());
      await sleep(1);
      news.publishNowait(1);
      task.cancel();
      await expect(task).rejects.toBeInstanceOf(CancelledError);
      expect(await subscription.get()).toBe(1);
    });
  });

  it("ends subscribers and publishers when it is closed", async () => {
    await runVirtual(async () => {
      const news = new Broadcast<number>({ capacity: 1, lag: "block" });
      const subscription = news.subscribe();
      const idle = news.subscribe();
      const waiting = createTask(() => idle.get());
      await sleep(1);
      await news.publish(1);
      const blocked = createTask(() => news.publish(2));
      expect(await waiting).toBe(1);
      news.close();
      await expect(blocked).rejects.toBeInstanceOf(QueueShutDown);
      await expect(news.publish(3)).rejects.toBeInstanceOf(QueueShutDown);
      expect(await drain(subscription)).toEqual([1]);
      await expect(idle.get()).rejects.toBeInstanceOf(QueueShutDown);
    });
  });

  it("ends a subscription that is closed while somebody reads it", async () => {
    await runVirtual(async () => {
      const news = new Broadcast<number>();
      const subscription = news.subscribe();
      const reader = createTask(() => drain(subscription));
      await sleep(1);
      subscription.close();
      expect(await reader).toEqual([]);
    });
  });

  it("refuses options that make no sense", () => {
    expect(() => new Broadcast({ capacity: 0 })).toThrow(RangeError);
    expect(() => new Broadcast({ lag: "panic" as "error" })).toThrow(/lag must be/);
  });
});
