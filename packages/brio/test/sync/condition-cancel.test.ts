import {
  CancelledError,
  Condition,
  createTask,
  gather,
  getRunningLoop,
  sleep,
  TimeoutError,
  waitFor,
} from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

/** What a cancelled task ended with. */
async function endOf(task: PromiseLike<unknown>): Promise<unknown> {
  return await task.then(
    () => "no error",
    (error: unknown) => error,
  );
}

describe("Condition, when a wait is cancelled", () => {
  it("takes the lock again before the error is thrown", async () => {
    await runVirtual(async () => {
      const condition = new Condition();
      await condition.acquire();
      const wait = createTask(() => condition.wait());
      await sleep(0);
      expect(condition.locked()).toBe(false);
      wait.cancel();
      expect(await endOf(wait)).toBeInstanceOf(CancelledError);
      expect(condition.statistics()).toEqual({ locked: true, waiting: 0, waitingForLock: 0 });
    });
  });

  it("throws the very error that ended the wait, with its reason", async () => {
    await runVirtual(async () => {
      const condition = new Condition();
      const seen: unknown[] = [];
      const task = createTask(() =>
        condition.with(async () => {
          await condition
            .waitFor(() => false)
            .catch((error: unknown) => {
              seen.push(error);
              throw error;
            });
        }),
      );
      await sleep(0);
      task.cancel("enough");
      const error = await endOf(task);
      expect(error).toBe(seen[0]);
      expect((error as CancelledError).reason).toBe("enough");
      expect(condition.locked()).toBe(false);
    });
  });

  it("ends only when the lock can be had", async () => {
    await runVirtual(async () => {
      const condition = new Condition();
      const events: string[] = [];
      const waiter = createTask(async () => {
        await condition.acquire();
        try {
          await condition.wait();
        } catch {
          events.push(`cancelled at ${getRunningLoop().time()}`);
        }
      });
      await sleep(0);
      await condition.acquire();
      waiter.cancel();
      await sleep(1000);
      events.push("release");
      condition.release();
      await waiter;
      expect(events).toEqual(["release", "cancelled at 1000"]);
      expect(condition.locked()).toBe(true); // by the cancelled waiter
    });
  });

  it("throws when it is cancelled while it was notified and queues for the lock", async () => {
    await runVirtual(async () => {
      const condition = new Condition();
      const events: unknown[] = [];
      const waiter = createTask(() =>
        condition.with(async () => {
          events.push("waits");
          await condition.wait().catch((error: unknown) => {
            events.push(error);
            throw error;
          });
          events.push("woken");
        }),
      );
      await sleep(0);
      await condition.acquire();
      condition.notify();
      await sleep(0); // now it queues for the lock
      waiter.cancel("too late");
      await sleep(0);
      events.push("release");
      condition.release();
      const error = await endOf(waiter);
      expect(error).toBeInstanceOf(CancelledError);
      expect((error as CancelledError).reason).toBe("too late");
      expect(events).toEqual(["waits", "release", error]);
      expect(events[2]).toBe(error);
      expect(condition.locked()).toBe(false);
    });
  });

  it("has the lock when a notified wait is cancelled in the step in which the lock is released", async () => {
    await runVirtual(async () => {
      const condition = new Condition();
      await condition.acquire();
      const wait = createTask(() => condition.wait());
      await sleep(0);
      await condition.acquire();
      condition.notify();
      await sleep(0);
      wait.cancel();
      condition.release();
      expect(await endOf(wait)).toBeInstanceOf(CancelledError);
      expect(condition.statistics()).toEqual({ locked: true, waiting: 0, waitingForLock: 0 });
    });
  });

  it("throws the last of several cancellations that came in while it queued for the lock", async () => {
    for (const cancellation of ["sticky", "once"] as const) {
      await runVirtual(
        async () => {
          const condition = new Condition();
          const waiter = createTask(() => condition.with(() => condition.wait()));
          await sleep(0);
          await condition.acquire();
          waiter.cancel("first");
          await sleep(0);
          waiter.cancel("second");
          await sleep(0);
          waiter.cancel("third");
          await sleep(0);
          expect(waiter.done()).toBe(false);
          condition.release();
          expect(((await endOf(waiter)) as CancelledError).reason).toBe("third");
          expect(condition.locked()).toBe(false);
        },
        { cancellation },
      );
    }
  });

  it("keeps its place in the line for the lock when it is cancelled there", async () => {
    await runVirtual(async () => {
      const condition = new Condition();
      const events: string[] = [];
      const waiter = createTask(async () => {
        await condition.acquire();
        await condition.wait().catch(() => {});
        events.push("cancelled waiter");
        condition.release();
      });
      await sleep(0);
      await condition.acquire();
      condition.notify();
      await sleep(0);
      waiter.cancel();
      await sleep(0);
      const newcomer = createTask(() => condition.with(() => void events.push("newcomer")));
      await sleep(0);
      condition.release();
      await newcomer;
      expect(events).toEqual(["cancelled waiter", "newcomer"]);
    });
  });

  it("can't be cancelled out of the line behind one who is about to get the lock", async () => {
    await runVirtual(async () => {
      const condition = new Condition();
      const events: string[] = [];
      const waiter = createTask(async () => {
        await condition.acquire();
        await condition.wait().catch(() => {});
        events.push(`waiter is back, locked: ${condition.locked()}`);
        condition.release();
      });
      await sleep(0);
      await condition.acquire();
      const heir = createTask(() =>
        condition.with(async () => {
          events.push("heir in");
          await sleep(10);
          events.push("heir out");
        }),
      );
      await sleep(0);
      condition.notify();
      condition.release(); // unlocked, and promised to the heir, when the waiter's turn comes
      await sleep(1);
      waiter.cancel();
      await gather(waiter, heir);
      expect(events).toEqual(["heir in", "heir out", "waiter is back, locked: true"]);
      expect(condition.locked()).toBe(false);
    });
  });

  it("leaves the lock held inside a block whose wait has timed out", async () => {
    await runVirtual(async () => {
      const condition = new Condition();
      const seen = await condition.with(async () => {
        const error = await endOf(waitFor(() => condition.wait(), 500));
        return { error, locked: condition.locked(), time: getRunningLoop().time() };
      });
      expect(seen).toEqual({ error: expect.any(TimeoutError), locked: true, time: 500 });
      expect(condition.locked()).toBe(false);
    });
  });
});

describe("Condition, when a notification meets a cancellation", () => {
  /** Consumers that take one of `stock` each time; the notification of one item reaches the first, which is cancelled. */
  async function lose(
    cancelFirst: (first: { cancel(): boolean }) => Promise<void> | void,
  ): Promise<string[]> {
    return await runVirtual(async () => {
      const condition = new Condition();
      const events: string[] = [];
      let stock = 0;
      const consumer = (name: string) =>
        createTask(() =>
          condition.with(async () => {
            await condition.waitFor(() => stock > 0);
            stock--;
            events.push(`${name} consumed`);
          }),
        );
      const [first, second] = [consumer("first"), consumer("second")];
      await sleep(0);
      await condition.with(async () => {
        stock++;
        condition.notify();
        await cancelFirst(first);
      });
      await sleep(10);
      events.push(`first cancelled: ${first.cancelled()}, second done: ${second.done()}, stock: ${stock}`);
      second.cancel();
      return events;
    });
  }

  it("gives a notification to the next when its receiver is cancelled before it wakes", async () => {
    const events = await lose((first) => void first.cancel());
    expect(events).toEqual(["second consumed", "first cancelled: true, second done: true, stock: 0"]);
  });

  it("gives a notification to the next when its receiver is cancelled while it queues for the lock", async () => {
    const events = await lose(async (first) => {
      await sleep(0);
      first.cancel();
    });
    expect(events).toEqual(["second consumed", "first cancelled: true, second done: true, stock: 0"]);
  });

  it("gives a notification to the next when its receiver was cancelled before it came", async () => {
    await runVirtual(async () => {
      const condition = new Condition();
      const events: string[] = [];
      const waiter = (name: string) =>
        createTask(() =>
          condition.with(async () => {
            await condition.wait();
            events.push(name);
          }),
        );
      const [first] = [waiter("first"), waiter("second")];
      await sleep(0);
      await condition.acquire();
      first.cancel();
      condition.notify();
      condition.release();
      await sleep(10);
      expect(events).toEqual(["second"]);
    });
  });
});
