import { createTask, gather, Queue, retry, sleep, TimeoutError, timeout, uncancellable } from "brio";
import { cancelAnywhere, type Trial } from "brio/testing";
import { describe, expect, it } from "vitest";

/** Code that catches everything, a cancellation too. */
async function stubborn(work: () => Promise<unknown>, attempts: number): Promise<void> {
  for (let i = 0; i < attempts; i++) {
    try {
      await work();
    } catch {}
  }
}

describe("code that catches everything, cancelled anywhere", () => {
  const program = async (trial: Trial) => {
    const queue = trial.watch(new Queue<number>());
    const work = [
      () => stubborn(() => sleep("1h"), 3),
      () => stubborn(() => timeout("1h", () => sleep("2h")), 2),
      () => stubborn(() => timeout("1h", () => queue.get()), 2),
      () => stubborn(() => retry(() => stubborn(() => sleep("1h"), 2), { backoff: "1h" }), 2),
    ];
    await gather(...work.map((each) => createTask(each)));
  };

  it("ends at once all the same, in the sticky mode", async () => {
    const { missed } = await cancelAnywhere(program, {
      cancellation: "sticky",
      targets: "all",
      maySwallow: true,
      endsWithin: 0,
    });
    expect(missed).toBe(0);
  });

  it("goes on for as long as it likes in the mode of asyncio", async () => {
    const hours = cancelAnywhere(program, { cancellation: "once", maySwallow: true, endsWithin: 0 });
    await expect(hours).rejects.toThrow(/still alive after 10000 ms; it waits in sleep on the clock/);
  });
});

describe("a timeout around code that catches everything", () => {
  it("ends it when its time is over", async () => {
    await cancelAnywhere(
      async (trial) => {
        let late = false;
        trial.check(() => expect(late).toBe(false));
        await timeout("5ms", async () => {
          await stubborn(() => sleep("2ms"), 10);
          await sleep(0);
          late = true;
        }).catch((error: unknown) => {
          if (!(error instanceof TimeoutError)) throw error;
        });
        await sleep(0);
      },
      { cancellation: "sticky", targets: "all", endsWithin: 0 },
    );
  });
});

describe("clean-up that catches everything", () => {
  it("is ended when its grace is over", async () => {
    await cancelAnywhere(
      async () => {
        await sleep("1ms");
        await uncancellable(() => stubborn(() => sleep("1h"), 3), { grace: "4ms" });
        await sleep(0);
      },
      {
        cancellation: "sticky",
        targets: (task) => task.getName() === "main",
        structured: true,
        endsWithin: "4ms",
      },
    );
  });
});

describe("branches of one task, each in a scope of its own", () => {
  it("end with the scope in which they were begun, awaited or not", async () => {
    await cancelAnywhere(
      async (trial) => {
        let alive = 0;
        trial.check(() => expect(alive).toBe(0));
        const branch = async (ms: number) => {
          alive++;
          try {
            await sleep(ms);
          } finally {
            alive--;
          }
        };
        await timeout("1h", () =>
          Promise.race([branch(1), branch(10_000), timeout("1h", () => branch(20_000))]),
        );
        await sleep("1ms");
        expect(alive).toBe(0);
      },
      { cancellation: "sticky", targets: "all", endsWithin: 0 },
    );
  });

  it("are all ended when the task is cancelled", async () => {
    await cancelAnywhere(
      async (trial) => {
        let alive = 0;
        trial.check(() => expect(alive).toBe(0));
        const branch = (limit: number) =>
          timeout(limit, async () => {
            alive++;
            try {
              await sleep("2h");
            } finally {
              alive--;
            }
          }).catch((error: unknown) => {
            if (!(error instanceof TimeoutError)) throw error;
          });
        const ends = await Promise.allSettled([branch(3), branch(5), branch(4)]);
        for (const end of ends) if (end.status === "rejected") throw end.reason;
        await sleep(0);
      },
      { cancellation: "sticky", targets: "all", structured: true, endsWithin: 0 },
    );
  });
});
