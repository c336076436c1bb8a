import { CancelledError, createTask, getRunningLoop, retry, sleep, TimeoutError, timeout } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

const noChance = () => 0;

/** Fails `failures` times, then succeeds; notes when it was called. */
function flaky(failures: number, calls: string[]): (attempt: number) => Promise<string> {
  return async (attempt) => {
    calls.push(`${getRunningLoop().time()} attempt ${attempt}`);
    if (attempt <= failures) throw new Error(`failure ${attempt}`);
    return "done";
  };
}

describe("retry", () => {
  it("gives the value of the first attempt that succeeds, with pauses that double", async () => {
    const calls: string[] = [];
    const value = await runVirtual(() => retry(flaky(3, calls), { attempts: 5, random: noChance }));
    expect(value).toBe("done");
    expect(calls).toEqual(["0 attempt 1", "100 attempt 2", "300 attempt 3", "700 attempt 4"]);
  });

  it("throws the error of the last attempt", async () => {
    const calls: string[] = [];
    await expect(runVirtual(() => retry(flaky(9, calls), { random: noChance }))).rejects.toThrow("failure 3");
    expect(calls).toHaveLength(3);
  });

  it("pauses no longer than max, and always alike with a plain duration", async () => {
    const capped: string[] = [];
    const backoff = { initial: "1s", factor: 10, max: "5s" } as const;
    await runVirtual(() => retry(flaky(3, capped), { attempts: 4, backoff, random: noChance }));
    expect(capped).toEqual(["0 attempt 1", "1000 attempt 2", "6000 attempt 3", "11000 attempt 4"]);
    const steady: string[] = [];
    await runVirtual(() => retry(flaky(2, steady), { backoff: "7ms", random: noChance }));
    expect(steady).toEqual(["0 attempt 1", "7 attempt 2", "14 attempt 3"]);
  });

  it("leaves the part of each pause to chance that jitter says", async () => {
    const pauses: number[] = [];
    const note = (_error: unknown, _attempt: number, pause: number) => pauses.push(pause);
    const common = { attempts: 2, backoff: 100, random: () => 0.5, onRetry: note } as const;
    await runVirtual(() => retry(flaky(1, []), common));
    await runVirtual(() => retry(flaky(1, []), { ...common, jitter: 0 }));
    await runVirtual(() => retry(flaky(1, []), { ...common, jitter: 0.2 }));
    expect(pauses).toEqual([50, 100, 90]);
  });

  it("asks `when` whether the error is worth another attempt", async () => {
    const calls: string[] = [];
    const when = (error: unknown, attempt: number) => error instanceof Error && attempt < 2;
    await expect(
      runVirtual(() => retry(flaky(9, calls), { attempts: 9, when, random: noChance })),
    ).rejects.toThrow("failure 2");
    expect(calls).toHaveLength(2);
  });

  it("never retries a cancellation, whether it hits the attempt or the pause", async () => {
    let attempts = 0;
    await runVirtual(async () => {
      const inAttempt = createTask(() =>
        retry(async () => {
          attempts++;
          await sleep("1h");
        }),
      );
      const inPause = createTask(() =>
        retry(
          async () => {
            attempts++;
            throw new Error("busy");
          },
          { attempts: Number.POSITIVE_INFINITY, backoff: "1h", jitter: 0 },
        ),
      );
      await sleep("1s");
      inAttempt.cancel();
      inPause.cancel();
      await expect(inAttempt).rejects.toBeInstanceOf(CancelledError);
      await expect(inPause).rejects.toBeInstanceOf(CancelledError);
    });
    expect(attempts).toBe(2);
  });

  it("retries an attempt that ran out of its own time", async () => {
    const events: string[] = [];
    await runVirtual(async () => {
      const work = async (attempt: number) => {
        events.push(`${getRunningLoop().time()} attempt ${attempt}`);
        if (attempt === 1) await timeout("10ms", () => sleep("1h"));
        return attempt;
      };
      const when = (error: unknown) => error instanceof TimeoutError;
      events.push(`value ${await retry(work, { backoff: "5ms", jitter: 0, when })}`);
    });
    expect(events).toEqual(["0 attempt 1", "15 attempt 2", "value 2"]);
  });

  it.each([
    [{ attempts: 0 }, "attempts"],
    [{ attempts: 1.5 }, "attempts"],
    [{ jitter: 2 }, "jitter"],
    [{ backoff: { factor: 0.5 } }, "backoff.factor"],
    [{ backoff: -1 }, "backoff"],
  ])("refuses options that make no sense: %o", async (options, argument) => {
    const refused = runVirtual(() => retry(async () => 1, options));
    await expect(refused).rejects.toBeInstanceOf(RangeError);
    await expect(refused).rejects.toThrow(argument);
  });
});
