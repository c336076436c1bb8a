import { TimeoutError } from "brio";
import { WorkerDiedError } from "brio/threads";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { add, exit, nap, pay, requestId, stubborn, whoAsks } from "./fixtures/jobs.ts";
import { describeWithRedis, place } from "./redis.ts";
import { Reports, work } from "./work.ts";

leavesNothing();

describeWithRedis("functions in threads of a worker", () => {
  const worker = { isolate: "threads", concurrency: 2 } as const;

  test("give their results and errors, and see what is carried along", async () => {
    await work(
      place(),
      async (executor) => {
        requestId.set("r-19");
        expect(await executor.submit(add, 1, 2)).toBe(3);
        expect(await executor.submit(whoAsks)).toBe("r-19");
        await expect(executor.submit(pay, 4)).rejects.toMatchObject({ name: "PaymentError", amount: 4 });
      },
      { worker },
    );
  });

  test("that never end are stopped when their time is over, with their thread", async () => {
    await work(
      place(),
      async (executor, bull) => {
        const call = executor.with({ timeout: "100ms", grace: "50ms" });
        await expect(call.submit(stubborn)).rejects.toBeInstanceOf(TimeoutError);
        expect(bull.statistics()).toMatchObject({ replaced: 1 });
        expect(await executor.submit(add, 1, 2)).toBe(3);
      },
      { worker },
    );
  });

  test("that take no notice of a cancellation are stopped after the grace", async () => {
    await work(
      place(),
      async (executor) => {
        const reports = new Reports();
        const task = executor.with({ grace: "50ms", onProgress: reports.onProgress }).submit(stubborn);
        await reports.next();
        task.cancel("enough");
        await expect(task).rejects.toMatchObject({ name: "CancelledError", reason: "enough" });
        expect(await executor.submit(add, 1, 2)).toBe(3);
      },
      { worker },
    );
  });

  test("that end their thread fail alone, as often as they may be tried", async () => {
    await work(
      place(),
      async (executor) => {
        const reports = new Reports();
        const other = executor.with({ onProgress: reports.onProgress }).submit(nap);
        await reports.next();
        const error: unknown = await executor
          .with({ attempts: 2 })
          .submit(exit, 3)
          .catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(WorkerDiedError);
        expect(error).toMatchObject({ functionId: "jobs#exit", how: "exited", exitCode: 3 });
        const [failed] = await (await executor.queue()).getFailed();
        expect(failed).toMatchObject({ attemptsMade: 2 });
        expect(other.done()).toBe(false);
        other.cancel();
        await expect(other).rejects.toMatchObject({ name: "CancelledError" });
      },
      { worker },
    );
  });
});
