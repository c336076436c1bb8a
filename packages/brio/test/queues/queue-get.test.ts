import {
  CancelledError,
  createTask,
  Event,
  gather,
  getRunningLoop,
  Queue,
  sleep,
  TimeoutError,
  taskGroup,
  waitFor,
} from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

/** A maker of tasks that get one item and say which. */
function getting<T>(queue: Queue<T>, events: string[]) {
  return (name: string) =>
    createTask(async () => {
      events.push(`${name} got ${await queue.get()}`);
    });
}

describe("Queue.get", () => {
  it("takes an item that is there, and lets no other task run", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>();
      queue.putNowait(1);
      queue.putNowait(2);
      const events: string[] = [];
      const other = createTask(async () => void events.push("other"));
      events.push(`got ${await queue.get()}`, `got ${await queue.get()}`);
      await other;
      expect(events).toEqual(["got 1", "got 2", "other"]);
    });
  });

  it("waits for an item, and has it in the turn in which it was put in", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>();
      const events: string[] = [];
      const getter = getting(queue, events)("getter");
      getRunningLoop().callLater(10, () => queue.putNowait(1));
      await sleep(9);
      expect([getter.done(), queue.statistics().gettersWaiting]).toEqual([false, 1]);
      await getter;
      expect(events).toEqual(["getter got 1"]);
      expect(getRunningLoop().time()).toBe(10);
    });
  });

  it("has started to wait when the task around it has been seen to start", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>();
      const started = new Event();
      const getter = createTask(async () => {
        started.set();
        return await queue.get();
      });
      await started.wait();
      expect(queue.statistics().gettersWaiting).toBe(1);
      queue.putNowait(1);
      expect(await getter).toBe(1);
    });
  });

  it("serves getters in the order in which they came", async () => {
    await runVirtual(async () => {
      const queue = new Queue<string>();
      const events: string[] = [];
      const get = getting(queue, events);
      const tasks = ["a", "b", "c"].map(get);
      await sleep(0);
      for (const item of ["x", "y", "z"]) queue.putNowait(item);
      await gather(...tasks);
      expect(events).toEqual(["a got x", "b got y", "c got z"]);
    });
  });

  it("wakes one getter for one item", async () => {
    await runVirtual(async () => {
      const queue = new Queue<string>();
      const events: string[] = [];
      const get = getting(queue, events);
      for (const name of ["a", "b"]) get(name);
      await sleep(0);
      await queue.put("x");
      await sleep(10);
      expect(events).toEqual(["a got x"]);
      expect(queue.statistics().gettersWaiting).toBe(1);
    });
  });

  it("makes room for the putter that waits longest", async () => {
    await runVirtual(async () => {
      const queue = new Queue<string>(1);
      const events: string[] = [];
      for (const item of ["a", "b", "c"]) {
        createTask(async () => {
          await queue.put(item);
          events.push(`put ${item}`);
        });
      }
      await sleep(0);
      for (let i = 0; i < 3; i++) {
        events.push(`got ${await queue.get()}`);
        await sleep(0);
      }
      expect(events).toEqual(["put a", "got a", "put b", "got b", "put c", "got c"]);
    });
  });

  it("gets everything from producers that a queue of one makes wait", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>(1);
      const got: number[] = [];
      await taskGroup((group) => {
        group.createTask(async () => {
          for (let i = 0; i < 5; i++) await queue.put(i);
        });
        group.createTask(async () => {
          for (let i = 0; i < 5; i++) got.push(await queue.get());
        });
      });
      expect(got).toEqual([0, 1, 2, 3, 4]);
    });
  });

  it("looks again at its turn, and queues at the back when somebody was faster", async () => {
    await runVirtual(async () => {
      const queue = new Queue<string>();
      const events: string[] = [];
      const get = getting(queue, events);
      for (const name of ["a", "b"]) get(name);
      await sleep(0);
      queue.putNowait("x"); // wakes a
      events.push(`main took ${queue.getNowait()}`);
      await sleep(0); // a finds nothing, and is behind b now
      queue.putNowait("y");
      queue.putNowait("z");
      await sleep(10);
      expect(events).toEqual(["main took x", "b got y", "a got z"]);
    });
  });
});

describe("Queue.get, cancelled", () => {
  it("keeps nobody in line after the time to wait was over", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>(5);
      await expect(waitFor(() => queue.get(), 100)).rejects.toThrow(TimeoutError);
      expect(queue.statistics().gettersWaiting).toBe(0);
      queue.putNowait(1);
      expect(queue.qsize()).toBe(1);
    });
  });

  it("leaves the item to the next getter", async () => {
    await runVirtual(async () => {
      const queue = new Queue<string>();
      const events: string[] = [];
      const get = getting(queue, events);
      const [a, b] = [get("a"), get("b")];
      await sleep(0);
      a.cancel();
      await sleep(0);
      await queue.put("x");
      await b;
      expect(events).toEqual(["b got x"]);
      expect(a.cancelled()).toBe(true);
    });
  });

  it("leaves the item in the queue when it is cancelled between the put and its turn", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>();
      const getter = createTask(() => queue.get());
      await sleep(0);
      queue.putNowait(1);
      queue.putNowait(2);
      getter.cancel();
      await expect(getter).rejects.toThrow(CancelledError);
      expect([queue.getNowait(), queue.getNowait()]).toEqual([1, 2]);
    });
  });

  it("passes the wake-up on to the next getter when it is cancelled between the put and its turn", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>();
      const events: string[] = [];
      const get = getting(queue, events);
      const [a, b, c] = [get("a"), get("b"), get("c")];
      await sleep(0);
      queue.putNowait(1);
      queue.putNowait(2);
      a.cancel();
      await expect(a).rejects.toThrow(CancelledError);
      await gather(b, c);
      expect(events).toEqual(["b got 1", "c got 2"]);
    });
  });

  it("wakes nobody in vain when the item it was woken for has been taken", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>();
      const events: string[] = [];
      const get = getting(queue, events);
      const a = get("a");
      for (const name of ["b", "c"]) get(name);
      await sleep(0);
      queue.putNowait(1);
      queue.getNowait();
      a.cancel();
      await sleep(1); // had b been woken, it would be behind c now
      queue.putNowait(2);
      await sleep(10);
      expect(events).toEqual(["b got 2"]);
    });
  });
});
