import { CancelledError, run, TimeoutError, timeout } from "brio";
import { WorkerDiedError } from "brio/threads";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { DistributedExecutor } from "../src/executor/distributed-executor.ts";
import { add, brokenNumbers, numbers } from "./fixtures/jobs.ts";
import { describeWithRedis, place } from "./redis.ts";
import { Reports, work } from "./work.ts";
import { WorkerProcess } from "./worker-process.ts";

leavesNothing();

describeWithRedis("a generator on another machine", () => {
  test("gives its items, in order, and ends", async () => {
    await work(place(), async (executor) => {
      const found: number[] = [];
      for await (const { n, text } of executor.stream(numbers, 100)) {
        expect(text).toBe(`number ${n}`);
        found.push(n);
      }
      expect(found).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
      expect(executor.statistics()).toMatchObject({ completed: 1, busy: 0, queued: 0 });
    });
  });

  test("gives none, and ends", async () => {
    await work(place(), async (executor) => {
      for await (const _ of executor.stream(numbers, 0)) throw new Error("there should be none");
    });
  });

  test("is not far ahead of its reader, and ends when that leaves", async () => {
    await work(place(), async (executor) => {
      const reports = new Reports();
      for await (const { n } of executor.with({ onProgress: reports.onProgress }).stream(numbers, 100_000)) {
        if (n === 40) break;
      }
      expect(reports.all.at(-1)).toBe("ended");
      expect(reports.all.length).toBeGreaterThan(40);
      expect(reports.all.length).toBeLessThan(120);
      expect(await executor.submit(add, 1, 2)).toBe(3);
    });
  });

  test("ends when its reader is cancelled, and waits", async () => {
    await work(place(), async (executor) => {
      const reports = new Reports();
      const read = async (): Promise<void> => {
        for await (const _ of executor.with({ onProgress: reports.onProgress }).stream(numbers, 1_000_000));
      };
      await expect(timeout("300ms", read)).rejects.toBeInstanceOf(TimeoutError);
      expect(reports.all.at(-1)).toBe("ended");
      expect(await (await executor.queue()).getJobCounts("active", "waiting")).toEqual({
        active: 0,
        waiting: 0,
      });
    });
  });

  test("that throws gives what came before, and then its error", async () => {
    await work(place(), async (executor) => {
      const found: unknown[] = [];
      const read = async (): Promise<void> => {
        for await (const n of executor.stream(brokenNumbers)) found.push(n);
      };
      await expect(read()).rejects.toMatchObject({ name: "PaymentError", amount: 3 });
      expect(found).toEqual([1, 2]);
    });
  });

  test("runs in a thread of the worker as well", async () => {
    await work(
      place(),
      async (executor) => {
        let sum = 0;
        for await (const { n } of executor.stream(numbers, 50)) sum += n;
        expect(sum).toBe(1275);
      },
      { worker: { isolate: "threads", concurrency: 1 } },
    );
  });

  test("whose worker is lost in the middle is an error: its items would come twice", {
    timeout: 60_000,
  }, async () => {
    const queue = place();
    const quick = ["--isolate", "inline", "--lock-duration", "500ms", "--stalled-interval", "100ms"];
    await run(async () => {
      await using executor = new DistributedExecutor(queue);
      await using first = await WorkerProcess.start(queue, quick);
      await using _ = await WorkerProcess.start(queue, quick);
      let found = 0;
      const read = async (): Promise<void> => {
        for await (const { n } of executor.stream(numbers, 1_000_000)) {
          found = n;
          if (n === 1) {
            // Whichever of the two it is.
            const [active] = await (await executor.queue()).getActive();
            const mine = active?.processedBy?.endsWith(`-${first.process.pid}`) === true ? first : _;
            mine.process.kill();
          }
        }
      };
      const error: unknown = await read().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(WorkerDiedError);
      expect(error).not.toBeInstanceOf(CancelledError);
      expect(found).toBeGreaterThan(0);
    });
  });
});
