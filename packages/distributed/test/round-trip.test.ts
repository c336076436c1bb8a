import { CancelledError, run } from "brio";
import { FunctionNotFoundError, reference } from "brio/threads";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { DistributedExecutor } from "../src/executor/distributed-executor.ts";
import {
  add,
  type PaymentError,
  pay,
  renamed,
  requestId,
  same,
  square,
  throwString,
  whoAsks,
} from "./fixtures/jobs.ts";
import { describeWithRedis, place } from "./redis.ts";
import { work } from "./work.ts";

leavesNothing();

describeWithRedis("a function on another machine", () => {
  test("gets its arguments, and gives its result", async () => {
    await work(place(), async (executor) => {
      expect(await executor.submit(add, 20, 22)).toBe(42);
      expect(await executor.submit(square, 5)).toBe(25);
      expect(await executor.submit(renamed, 7)).toBe(-7);
    });
  });

  test("gets and gives what JSON doesn't know", async () => {
    const value = {
      when: new Date(0),
      big: 2n ** 64n,
      bytes: Uint8Array.of(1, 2),
      map: new Map([[1, new Set("a")]]),
    };
    await work(place(), async (executor) => {
      expect(await executor.submit(same<typeof value>, value)).toStrictEqual(value);
      expect(await executor.submit(same<undefined>, undefined)).toBe(undefined);
      expect(await executor.submit(same<null>, null)).toBe(null);
      expect(await executor.submit(same<number>, -0)).toBe(-0);
    });
  });

  test("fails here with the error that it failed with there", async () => {
    await work(place(), async (executor) => {
      const error = (await executor.submit(pay, 7).then(String, (thrown: unknown) => thrown)) as PaymentError;
      expect(error).toMatchObject({ name: "PaymentError", message: "can't pay 7", amount: 7 });
      expect(error.cause).toBeInstanceOf(RangeError);
      expect(error.cause).toMatchObject({ message: "the account is empty" });
      expect(error.stack).toMatch(/at pay.*jobs\.ts.*-- called from --\n {4}at \S*round-trip\.test\.ts/s);
      await expect(executor.submit(throwString)).rejects.toBe("just a string");
    });
  });

  test("is known to BullMQ by its name, and its failure by its message", async () => {
    const queue = place();
    await work(queue, async (executor) => {
      await executor.submit(add, 1, 2);
      await expect(executor.submit(pay, 7)).rejects.toThrow("can't pay 7");
      const bull = await executor.queue();
      const [[done], [failed]] = await Promise.all([bull.getCompleted(), bull.getFailed()]);
      expect(done).toMatchObject({
        name: "jobs#add",
        data: { args: { json: [1, 2] } },
        returnvalue: { json: 3 },
      });
      expect(failed).toMatchObject({ name: "jobs#pay", failedReason: "PaymentError: can't pay 7" });
      expect(failed?.stacktrace?.[0]).toMatch(/^PaymentError: can't pay 7\n.*jobs\.ts/s);
    });
  });

  test("sees the context variables that are carried along", async () => {
    await work(place(), async (executor) => {
      requestId.set("r-17");
      expect(await executor.submit(whoAsks)).toBe("r-17");
      requestId.set("r-18");
      expect(await executor.submit(whoAsks)).toBe("r-18");
    });
  });

  test("is called with many items, and their results come in order", async () => {
    await work(place(), async (executor) => {
      const squares: number[] = [];
      for await (const n of executor.map(
        square,
        Array.from({ length: 200 }, (_, i) => i),
      ))
        squares.push(n);
      expect(squares).toEqual(Array.from({ length: 200 }, (_, i) => i * i));
      expect(executor.statistics()).toMatchObject({ completed: 200, failed: 0, queued: 0, busy: 0 });
    });
  });

  test("that the worker's modules don't have is an error that lists what they have", async () => {
    const newer = reference(
      import.meta.url.replace("round-trip.test.ts", "jobs.ts"),
      "subtract",
      (n: number) => n,
    );
    await work(place(), async (executor) => {
      const error = await executor.submit(newer, 1).then(String, (thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(FunctionNotFoundError);
      expect(error).toMatchObject({ functionId: "jobs#subtract" });
      expect((error as FunctionNotFoundError).available).toContain("jobs#add");
      expect((error as Error).message).toMatch(
        /there is no function jobs#subtract: .*jobs\.ts exports .*jobs#add.* Is the worker running an older version/,
      );
    });
  });
});

test("a plain function is refused before anything is sent", async () => {
  await run(async () => {
    await using executor = new DistributedExecutor({ connection: "redis://127.0.0.1:1", queue: "none" });
    const half = (n: number): number => n / 2;
    expect(() => executor.submit(half as never, 4)).toThrow(
      /executor\.submit\(\) was given a plain function, half.*export const half = reference\(import\.meta\.url, "half"/,
    );
    expect(executor.statistics()).toMatchObject({ queued: 0 });
  });
});

test("where there is no Redis, the call says so, and names the address", async () => {
  await run(async () => {
    await using executor = new DistributedExecutor({
      connection: "redis://127.0.0.1:1",
      queue: "none",
      connectTimeout: "300ms",
    });
    await expect(executor.submit(add, 1, 2)).rejects.toThrow(
      /no connection to Redis at 127\.0\.0\.1:1 within 300 ms: .*ECONNREFUSED.*Is it running there\?/,
    );
    const task = executor.submit(add, 1, 2);
    const [outcome] = await Promise.allSettled([Promise.resolve().then(() => task.cancel("enough")), task]);
    expect(outcome).toMatchObject({ status: "fulfilled" });
    await expect(task).rejects.toThrow(CancelledError);
  });
});
