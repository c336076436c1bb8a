import { CancelledError, createTask, Event, gather, getRunningLoop, Queue, sleep, taskGroup } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

/** A maker of tasks that put one item and say so. */
function putting(queue: Queue<string>, events: string[]) {
  return (item: string) =>
    createTask(async () => {
      await queue.put(item);
      events.push(`put ${item}`);
    });
}

/** A queue of one that is full of "old". */
function fullQueue(): Queue<string> {
  const queue = new Queue<string>(1);
  queue.putNowait("old");
  return queue;
}

describe("Queue.put", () => {
  it("does not wait while there is room, lets no other task run, and resolves with nothing", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>(2);
      const events: unknown[] = [];
      const other = createTask(async () => void events.push("other"));
      events.push(await queue.put(1), await queue.put(2));
      await other;
      expect(events).toEqual([undefined, undefined, "other"]);
      expect(await queue.get()).toBe(1);
    });
  });

  it("waits while the queue is full, and goes on in the turn in which something was taken out", async () => {
    await runVirtual(async () => {
      const queue = fullQueue();
      const started = new Event();
      const putter = createTask(async () => {
        started.set();
        await queue.put("new");
        return getRunningLoop().time();
      });
      getRunningLoop().callLater(10, () => queue.getNowait());
      await started.wait();
      expect(queue.statistics()).toMatchObject({ size: 1, unfinished: 1, puttersWaiting: 1 });
      expect(await putter).toBe(10);
      expect(queue.getNowait()).toBe("new");
    });
  });

  it("gives its item to a getter that waits", async () => {
    await runVirtual(async () => {
      const queue = new Queue<string>();
      const getter = createTask(() => queue.get());
      await sleep(0);
      await queue.put("a");
      expect(await getter).toBe("a");
    });
  });

  it("has put its item in when its task is done, before anybody has taken it out", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>();
      const putter = createTask(async () => {
        await queue.put(1);
        return "put";
      });
      expect(await queue.get()).toBe(1);
      expect([putter.done(), putter.result()]).toEqual([true, "put"]);
    });
  });

  it("serves putters in the order in which they came", async () => {
    await runVirtual(async () => {
      const queue = fullQueue();
      const events: string[] = [];
      const tasks = ["a", "b", "c"].map(putting(queue, events));
      await sleep(0);
      const got: string[] = [];
      for (let i = 0; i < 4; i++) got.push(await queue.get());
      await gather(...tasks);
      expect(events).toEqual(["put a", "put b", "put c"]);
      expect(got).toEqual(["old", "a", "b", "c"]);
    });
  });

  it("wakes as many putters as items were taken out in one step", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>(2);
      const events: string[] = [];
      await taskGroup((group) => {
        group.createTask(async () => {
          await sleep(0);
          for (let left = queue.qsize(); left > 0; left--) events.push(`got ${queue.getNowait()}`);
        });
        for (let i = 0; i < 4; i++) {
          group.createTask(async () => {
            await queue.put(i);
            events.push(`put ${i}`);
          });
        }
      });
      expect(events).toEqual(["put 0", "put 1", "got 0", "got 1", "put 2", "put 3"]);
    });
  });

  it("looks again at its turn, and queues at the back when somebody was faster", async () => {
    await runVirtual(async () => {
      const queue = fullQueue();
      const events: string[] = [];
      const put = putting(queue, events);
      for (const item of ["a", "b"]) put(item);
      await sleep(0);
      queue.getNowait(); // wakes a
      queue.putNowait("main's"); // and takes its place
      await sleep(0); // a finds no room, and is behind b now
      for (let i = 0; i < 2; i++) {
        queue.getNowait();
        await sleep(0);
      }
      expect(events).toEqual(["put b", "put a"]);
    });
  });
});

describe("Queue.put, cancelled", () => {
  it("has put nothing in, and keeps no place in line", async () => {
    await runVirtual(async () => {
      const queue = fullQueue();
      const putter = createTask(() => queue.put("never"));
      await sleep(0);
      expect(queue.statistics().puttersWaiting).toBe(1);
      putter.cancel();
      await expect(putter).rejects.toThrow(CancelledError);
      expect(queue.statistics()).toMatchObject({ size: 1, unfinished: 1, puttersWaiting: 0 });
      expect(queue.getNowait()).toBe("old");
      await sleep(10);
      expect(queue.empty()).toBe(true);
    });
  });

  it("has put nothing in when it is cancelled between the get and its turn", async () => {
    await runVirtual(async () => {
      const queue = fullQueue();
      const putter = createTask(() => queue.put("never"));
      await sleep(0);
      expect(queue.getNowait()).toBe("old");
      putter.cancel();
      await expect(putter).rejects.toThrow(CancelledError);
      expect(queue.statistics()).toMatchObject({ size: 0, puttersWaiting: 0 });
      await queue.put("again");
      expect(queue.getNowait()).toBe("again");
    });
  });

  it("leaves the room to the putters that are left, in order", async () => {
    await runVirtual(async () => {
      const queue = new Queue<string>(1);
      const events: string[] = [];
      const [a, b, c] = ["a", "b", "c"].map(putting(queue, events));
      await sleep(0);
      c?.cancel();
      await sleep(0);
      expect([a?.done(), b?.done(), c?.cancelled()]).toEqual([true, false, true]);
      expect(queue.getNowait()).toBe("a");
      await sleep(0);
      expect(queue.getNowait()).toBe("b");
      await sleep(10);
      expect(events).toEqual(["put a", "put b"]);
      expect(queue.empty()).toBe(true);
    });
  });

  it("passes the wake-up on to the next putter when it is cancelled between the get and its turn", async () => {
    await runVirtual(async () => {
      const queue = fullQueue();
      const events: string[] = [];
      const put = putting(queue, events);
      const [a, b] = [put("a"), put("b")];
      await sleep(0);
      queue.getNowait();
      a.cancel();
      await b;
      expect(events).toEqual(["put b"]);
      expect(queue.getNowait()).toBe("b");
    });
  });

  it("wakes nobody in vain when the room it was woken for has been taken", async () => {
    await runVirtual(async () => {
      const queue = fullQueue();
      const events: string[] = [];
      const put = putting(queue, events);
      const a = put("a");
      for (const item of ["b", "c"]) put(item);
      await sleep(0);
      queue.getNowait();
      queue.putNowait("main's");
      a.cancel();
      await sleep(1); // had b been woken, it would be behind c now
      queue.getNowait();
      await sleep(10);
      expect(events).toEqual(["put b"]);
    });
  });
});
