import {
  CancelScope,
  createTask,
  currentTask,
  type Duration,
  Event,
  sleep,
  sleepForever,
  type Timeout,
  timeout,
  timeoutAt,
} from "brio";
import { describe, expect, it } from "vitest";
import { sleeper } from "./actors.ts";
import { errorOf, expectTrace, name, outcome, restTime, trace } from "./trace.ts";

describe("a timeout", () => {
  it("cancels its body when time is over, and throws TimeoutError", () =>
    expectTrace(
      async (note) => {
        let t: Timeout | undefined;
        const ended = timeout(10, async (own) => {
          t = own;
          await sleeper(note, "body", 10_000)();
        });
        note(await outcome(ended));
        note(`expired: ${t?.expired()}`);
      },
      ["10 body: CancelledError", "10 TimeoutError", "10 expired: true"],
    ));

  it("at a loop time does the same, and tells that time", () =>
    expectTrace(
      async (note, loop) => {
        await sleep(5);
        let t: Timeout | undefined;
        const ended = timeoutAt(loop.time() + 10, async (own) => {
          t = own;
          await sleep(10_000);
        });
        note(await outcome(ended));
        note(`when: ${t?.when()}, expired: ${t?.expired()}`);
      },
      ["15 TimeoutError", "15 when: 15, expired: true"],
    ));

  it("takes durations with units", () =>
    expectTrace(
      async (note) => {
        note(await outcome(timeout("1s", () => sleep("1m"))));
      },
      ["1000 TimeoutError"],
    ));

  it("that is not needed gives the body's value, and does nothing later", () =>
    expectTrace(
      async (note) => {
        let t: Timeout | undefined;
        const value = await timeout(1000, async (own) => {
          t = own;
          return await sleep(10, "value");
        });
        note(`${value}, expired: ${t?.expired()}, when: ${t?.when()}`);
        await sleep(2000);
        note("the task goes on");
      },
      ["10 value, expired: false, when: 1000", "2010 the task goes on"],
    ));

  it("takes a body that is not asynchronous, and gives its value", () =>
    expectTrace(
      async (note) => {
        note(await timeout(10, (t) => `when: ${t.when()}`));
      },
      ["0 when: 10"],
    ));

  it("of null never expires", () =>
    expectTrace(
      async (note) => {
        const t = await timeout(null, async (own) => {
          await sleep(10_000);
          return own;
        });
        note(`expired: ${t.expired()}, when: ${t.when()}`);
      },
      ["10000 expired: false, when: null"],
    ));

  it("at null never expires", () =>
    expectTrace(
      async (note) => {
        const t = await timeoutAt(null, async (own) => {
          await sleep(10_000);
          return own;
        });
        note(`expired: ${t.expired()}, when: ${t.when()}`);
      },
      ["10000 expired: false, when: null"],
    ));

  it("of infinity never expires", () =>
    expectTrace(
      async (note) => {
        note(await outcome(timeout(Number.POSITIVE_INFINITY, () => sleep(10_000))));
      },
      ["10000 done"],
    ));

  it("of infinity is no timer: a body that nothing can wake is a deadlock", async () => {
    const time = await restTime(async () => {
      createTask(() => timeout(Number.POSITIVE_INFINITY, () => sleepForever()));
      createTask(() => new CancelScope({ deadline: Number.POSITIVE_INFINITY }).run(() => sleepForever()));
      await sleep(10);
    });
    expect(time).toBe(10);
  });

  it("of 0 ends the first wait of its body", () =>
    expectTrace(
      async (note, loop) => {
        let t: Timeout | undefined;
        const ended = timeout(0, async (own) => {
          t = own;
          note("the body begins");
          await sleep(10_000);
        });
        note(await outcome(ended));
        note(`expired: ${t?.expired()}, when: ${t?.when()}, now: ${loop.time()}`);
      },
      ["0 the body begins", "0 TimeoutError", "0 expired: true, when: 0, now: 0"],
    ));

  it("of 0 ends a wait for the next turn too", () =>
    expectTrace(
      async (note) => {
        note(await outcome(timeout(0, () => sleep(0))));
      },
      ["0 TimeoutError"],
    ));

  it("of 0 lets a body be that does not wait", () =>
    expectTrace(
      async (note) => {
        note(await outcome(timeout(0, async () => "value")));
        await sleep(0);
        note("the task goes on");
      },
      ["0 value", "0 the task goes on"],
    ));

  it("at a loop time that is past ends the first wait", () =>
    expectTrace(
      async (note) => {
        await sleep(100);
        let t: Timeout | undefined;
        const ended = timeoutAt(-11, async (own) => {
          t = own;
          await sleep(0);
        });
        note(await outcome(ended));
        note(`expired: ${t?.expired()}, when: ${t?.when()}`);
      },
      ["100 TimeoutError", "100 expired: true, when: -11"],
    ));

  it("refuses a negative duration, before the body begins", () =>
    expectTrace(
      async (note) => {
        const error = await errorOf(timeout(-11, () => note("never")));
        note(`${error instanceof RangeError}`);
      },
      ["0 true"],
    ));

  it("refuses what is no duration", () =>
    trace(async () => {
      expect(await errorOf(timeout("10 bananas" as Duration, () => {}))).toBeInstanceOf(TypeError);
      expect(await errorOf(timeout(Number.NaN, () => {}))).toBeInstanceOf(RangeError);
      expect(await errorOf(timeoutAt(Number.NaN, () => {}))).toBeInstanceOf(TypeError);
      expect(await errorOf(timeoutAt("1s" as never, () => {}))).toBeInstanceOf(TypeError); // the wrong type, on purpose
    }));

  it("runs its body in the calling task, which is not cancelled afterwards", () =>
    expectTrace(
      async (note) => {
        const task = createTask(async () => {
          const me = currentTask();
          const ended = timeout(10, async () => {
            note(`the same task: ${currentTask() === me}`);
            await sleep(10_000);
          });
          note(await outcome(ended));
          await sleep(10);
        });
        await task;
        note(`cancelled: ${task.cancelled()}, asked ${task.cancelling()} times`);
      },
      ["0 the same task: true", "10 TimeoutError", "20 cancelled: false, asked 0 times"],
    ));

  it("counts as a cancellation of the task while the body unwinds", () =>
    expectTrace(
      async (note) => {
        const me = currentTask();
        const ended = timeout(10, async (t) => {
          try {
            await sleep(1000);
          } finally {
            note(`asked ${me?.cancelling()} time, expired: ${t.expired()}`);
          }
        });
        note(await outcome(ended));
        note(`asked ${me?.cancelling()} times`);
      },
      ["10 asked 1 time, expired: true", "10 TimeoutError", "10 asked 0 times"],
    ));

  it("whose body swallows the cancellation and returns gives its value", () =>
    expectTrace(
      async (note) => {
        const ended = timeout(10, async (t) => {
          await sleep(1000).catch((error) => note(name(error)));
          return `expired: ${t.expired()}`;
        });
        note(await outcome(ended));
        await sleep(10);
        note(`asked ${currentTask()?.cancelling()} times`);
      },
      ["10 CancelledError", "10 expired: true", "20 asked 0 times"],
    ));

  it("that expires in its body's last stretch, after its last wait, gives its value", () =>
    expectTrace(
      async (note) => {
        const ended = timeout(100, async (t) => {
          await sleep(10);
          t.reschedule(0);
          return "value";
        });
        note(await outcome(ended));
        await sleep(10);
        note("the task goes on");
      },
      ["10 value", "20 the task goes on"],
    ));
});

describe("a deadline and the end of what the body waits for, in one turn", () => {
  it("the deadline wins if the wait was granted just before", () =>
    expectTrace(
      async (note, loop) => {
        const go = new Event();
        loop.callAt(10, () => go.set());
        let t: Timeout | undefined;
        const ended = timeout(10, async (own) => {
          t = own;
          await go.wait();
          return "in time";
        });
        note(await outcome(ended));
        note(`expired: ${t?.expired()}`);
      },
      ["10 TimeoutError", "10 expired: true"],
    ));

  it("the deadline wins if it was set before the wait", () =>
    expectTrace(
      async (note) => {
        note(await outcome(timeout(10, () => sleep(10, "in time"))));
      },
      ["10 TimeoutError"],
    ));
});
