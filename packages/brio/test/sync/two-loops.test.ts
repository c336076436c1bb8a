import {
  Barrier,
  BoundedSemaphore,
  Condition,
  createTask,
  Event,
  interruptible,
  Lock,
  Queue,
  RateLimiter,
  RuntimeError,
  Semaphore,
  sleep,
} from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

/** A primitive, and something to do with it that has to wait. */
interface Shared {
  readonly name: string;
  readonly wait: () => Promise<unknown>;
}

const kinds: readonly (() => Shared)[] = [
  () => {
    const lock = new Lock();
    return {
      name: "Lock",
      wait: async () => {
        if (!lock.locked()) await lock.acquire();
        await lock.acquire();
      },
    };
  },
  () => {
    const semaphore = new Semaphore(0);
    return { name: "Semaphore", wait: () => semaphore.acquire() };
  },
  () => {
    const semaphore = new BoundedSemaphore(0);
    return { name: "BoundedSemaphore", wait: () => semaphore.acquire() };
  },
  () => {
    const event = new Event();
    return { name: "Event", wait: () => event.wait() };
  },
  () => {
    const condition = new Condition();
    return { name: "Condition", wait: () => condition.with(() => condition.wait()) };
  },
  () => {
    const barrier = new Barrier(3);
    return { name: "Barrier", wait: () => barrier.wait() };
  },
  () => {
    const limiter = new RateLimiter({ limit: 1, per: "1h" }); // counts in one loop's time: bound before it waits
    return {
      name: "RateLimiter",
      wait: async () => {
        await limiter.acquire();
        await limiter.acquire();
      },
    };
  },
  () => {
    const queue = new Queue<number>();
    return { name: "Queue, get", wait: () => queue.get() };
  },
  () => {
    const queue = new Queue<number>(1);
    queue.putNowait(1);
    return { name: "Queue, put", wait: () => queue.put(2) };
  },
  () => {
    const queue = new Queue<number>();
    queue.putNowait(1);
    return { name: "Queue, join", wait: () => queue.join() };
  },
];

/** A promise to be resolved from outside. */
function signal(): { readonly given: Promise<void>; give(): void } {
  let give: () => void = () => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give: () => give() };
}

/** Runs `inside` while another loop has a task in `wait`; says whether that task was still waiting in the end. */
async function whileWaitedFor(wait: () => Promise<unknown>, inside: () => Promise<void>): Promise<boolean> {
  const waiting = signal();
  const released = signal();
  const first = runVirtual(async () => {
    const waiter = createTask(wait);
    await sleep(0);
    waiting.give();
    await interruptible(released.given);
    const pending = !waiter.done();
    waiter.cancel();
    await sleep(0);
    return pending;
  });
  await waiting.given;
  try {
    await inside();
  } finally {
    released.give();
  }
  return await first;
}

describe.each(kinds.map((make) => ({ make, name: make().name })))("$name", ({ make }) => {
  it("refuses a wait in a loop while another loop waits for it, and says what to do", async () => {
    const { wait } = make();
    const undisturbed = await whileWaitedFor(wait, async () => {
      const refusal = runVirtual(wait);
      await expect(refusal).rejects.toThrow(RuntimeError);
      await expect(refusal).rejects.toThrow(
        /is used in another event loop already: make one for each run\(\)/,
      );
    });
    expect(undisturbed).toBe(true);
  });

  it("may be waited for in one loop after the other", async () => {
    const { wait } = make();
    const outcomes: string[] = [];
    for (let i = 0; i < 2; i++) {
      await runVirtual(async () => {
        const waiter = createTask(wait);
        await sleep(1);
        outcomes.push(waiter.done() ? "done" : "waits");
        waiter.cancel();
        await waiter.catch((error) => outcomes.push((error as Error).name));
      });
    }
    expect(outcomes).toEqual(["waits", "CancelledError", "waits", "CancelledError"]);
  });
});

describe("A primitive of another loop", () => {
  it("gives a promise that rejects, and throws nothing at once", async () => {
    const event = new Event();
    const caught: unknown[] = [];
    await whileWaitedFor(
      () => event.wait(),
      () =>
        runVirtual(async () => {
          const promise = event.wait();
          await promise.catch((error: unknown) => caught.push(error));
        }),
    );
    expect(caught).toEqual([expect.any(RuntimeError)]);
  });
});
