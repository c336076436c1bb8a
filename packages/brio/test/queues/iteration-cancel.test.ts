import { Broadcast, CancelledError, createTask, currentTask, Queue, sleep } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

describe("for await over a backlog, in a cancelled task", () => {
  it("ends before the next item of a queue, and loses none", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>();
      for (let i = 0; i < 100; i++) queue.putNowait(i);
      const seen: number[] = [];
      const task = createTask(async () => {
        for await (const item of queue) {
          seen.push(item);
          if (item === 2) currentTask()?.cancel();
        }
      });
      await expect(task).rejects.toBeInstanceOf(CancelledError);
      expect(seen).toEqual([0, 1, 2]);
      expect(queue.getNowait()).toBe(3);
    });
  });

  it("ends before the next item of a broadcast", async () => {
    await runVirtual(async () => {
      const news = new Broadcast<number>();
      const subscription = news.subscribe();
      const seen: number[] = [];
      const task = createTask(async () => {
        for await (const item of subscription) {
          seen.push(item);
          if (item === 1) currentTask()?.cancel();
        }
      });
      for (let i = 0; i < 5; i++) news.publishNowait(i);
      await sleep(1);
      expect(task.cancelled()).toBe(true);
      expect(seen).toEqual([0, 1]);
    });
  });
});
