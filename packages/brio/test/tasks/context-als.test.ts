import { AsyncLocalStorage } from "node:async_hooks";
import { createTask, gather, getRunningLoop, Lock, Queue, run, sleep, timeout } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

// A program's own AsyncLocalStorage, such as a logger's or a tracer's, must see what it would see without brio.

const request = new AsyncLocalStorage<string>();

/** Handles two requests at once, and gives what each saw. */
async function twoRequests(handle: (see: () => void) => Promise<void>): Promise<Record<string, unknown[]>> {
  const seen: Record<string, unknown[]> = { A: [], B: [] };
  const one = (name: "A" | "B") => (): Promise<void> =>
    request.run(name, () => handle(() => seen[name]?.push(request.getStore())));
  await runVirtual(() => gather(one("A"), one("B")));
  return seen;
}

describe("an AsyncLocalStorage of the program's own keeps its store", () => {
  it("across waits", async () => {
    const queue = new Queue<number>(1);
    const lock = new Lock();
    const seen = await twoRequests(async (see) => {
      await sleep(1);
      see();
      await lock.with(() => sleep(1));
      see();
      await queue.put(1);
      see();
      await queue.get();
      see();
      await timeout("1s", async () => {
        await sleep(1);
        see();
      });
    });
    expect(seen).toEqual({ A: ["A", "A", "A", "A", "A"], B: ["B", "B", "B", "B", "B"] });
  });

  it("in a new task, which has its creator's", async () => {
    const seen = await twoRequests(async (see) => {
      await sleep(1);
      await createTask(async () => {
        see();
        await sleep(1);
        see();
      });
    });
    expect(seen).toEqual({ A: ["A", "A"], B: ["B", "B"] });
  });

  it("in the tasks of a gather", async () => {
    const seen = await twoRequests(async (see) => {
      await sleep(1);
      await gather(
        async () => see(),
        async () => see(),
      );
    });
    expect(seen).toEqual({ A: ["A", "A"], B: ["B", "B"] });
  });

  it("in a new task that starts eagerly", async () => {
    const seen = await twoRequests(async (see) => {
      await sleep(1);
      await createTask(async () => see(), { eager: true });
    });
    expect(seen).toEqual({ A: ["A"], B: ["B"] });
  });

  it("in callbacks of the loop, which have their scheduler's", async () => {
    const seen = await twoRequests(async (see) => {
      await sleep(1);
      const loop = getRunningLoop();
      loop.callSoon(see);
      loop.callLater(1, see);
      loop.callAt(loop.time() + 2, see);
      await sleep(5);
    });
    expect(seen).toEqual({ A: ["A", "A", "A"], B: ["B", "B", "B"] });
  });

  it("in done callbacks, which have that of their registration", async () => {
    const seen = await twoRequests(async (see) => {
      const future = getRunningLoop().createFuture<void>();
      future.addDoneCallback(see);
      await sleep(1);
      request.run("whoever settles it", () => future.setResult());
      await sleep(1);
    });
    expect(seen).toEqual({ A: ["A"], B: ["B"] });
  });

  it("after it was entered in a task, and not in the task's creator", () =>
    runVirtual(async () => {
      const log: unknown[] = [];
      await createTask(async () => {
        await request.run("inside", async () => {
          await sleep(1);
          log.push(request.getStore());
        });
        log.push(request.getStore());
      });
      log.push(request.getStore());
      expect(log).toEqual(["inside", undefined, undefined]);
    }));

  it("for code around run()", async () => {
    await request.run("around", async () => {
      expect(await run(async () => request.getStore())).toBe("around");
      expect(request.getStore()).toBe("around");
    });
  });

  it("in the continuation of a native callback inside a task", () =>
    run(async () => {
      const store = await request.run("native", async () => {
        await new Promise((resolve) => setImmediate(resolve));
        await sleep(1);
        return request.getStore();
      });
      expect(store).toBe("native");
    }));
});
