import { createTask, getRunningLoop, RuntimeError, sleep, type Timeout, timeout, timeoutAt } from "brio";
import { describe, expect, it } from "vitest";
import { expectTrace, expectTraces, name, outcome, trace } from "./trace.ts";

describe("rescheduling a timeout", () => {
  it("to a later time lets the body run on until then", () =>
    expectTrace(
      async (note, loop) => {
        const ended = timeout(10, async (t) => {
          await sleep(5);
          t.reschedule(loop.time() + 100);
          note(`when: ${t.when()}`);
          await sleep(1000);
        });
        note(await outcome(ended));
      },
      ["5 when: 105", "105 TimeoutError"],
    ));

  it("to an earlier time expires then, and not again at the first", () =>
    expectTrace(
      async (note) => {
        const ended = timeout(1000, async (t) => {
          t.reschedule(10);
          await sleep(2000);
        });
        note(await outcome(ended));
        await sleep(2000);
        note("the task goes on");
      },
      ["10 TimeoutError", "2010 the task goes on"],
    ));

  it("to null takes the deadline away", () =>
    expectTrace(
      async (note) => {
        const ended = timeout(10, async (t) => {
          t.reschedule(null);
          await sleep(1000);
          return `when: ${t.when()}, expired: ${t.expired()}`;
        });
        note(await outcome(ended));
      },
      ["1000 when: null, expired: false"],
    ));

  it("to infinity takes the deadline away", () =>
    expectTrace(
      async (note) => {
        const ended = timeout(10, async (t) => {
          t.reschedule(Number.POSITIVE_INFINITY);
          await sleep(1000);
          return `expired: ${t.expired()}`;
        });
        note(await outcome(ended));
      },
      ["1000 expired: false"],
    ));

  it("gives one that had no deadline one", () =>
    expectTrace(
      async (note) => {
        const ended = timeout(null, async (t) => {
          t.reschedule(10);
          await sleep(1000);
        });
        note(await outcome(ended));
      },
      ["10 TimeoutError"],
    ));

  it("to the present or the past expires on the next turn, and not at once", () =>
    expectTrace(
      async (note) => {
        await sleep(100);
        for (const when of [100, 50, Number.NEGATIVE_INFINITY]) {
          const ended = timeout(null, async (t) => {
            t.reschedule(when);
            note(`expired: ${t.expired()}`);
            await sleep(1000);
          });
          note(await outcome(ended));
        }
      },
      [
        "100 expired: false",
        "100 TimeoutError",
        "100 expired: false",
        "100 TimeoutError",
        "100 expired: false",
        "100 TimeoutError",
      ],
    ));

  it("away from the past, before the turn has come, leaves the body alone", () =>
    expectTrace(
      async (note) => {
        await sleep(100);
        const ended = timeout(null, async (t) => {
          t.reschedule(0);
          t.reschedule(200);
          await sleep(50);
          return `expired: ${t.expired()}`;
        });
        note(await outcome(ended));
      },
      ["150 expired: false"],
    ));

  it("works from another task, and a cancellation of the body's task passes", () =>
    expectTrace(
      async (note) => {
        const entered = getRunningLoop().createFuture<Timeout>();
        const task = createTask(() =>
          timeoutAt(10, async (t) => {
            entered.setResult(t);
            await sleep(500);
          }),
        );
        const t = await entered;
        note(`when: ${t.when()}`);
        t.reschedule(300);
        note(`when: ${t.when()}`);
        t.reschedule(null);
        note(`when: ${t.when()}`);
        await sleep(400);
        task.cancel();
        note(await outcome(task));
        note(`expired: ${t.expired()}`);
      },
      ["0 when: 10", "0 when: 300", "0 when: null", "400 CancelledError", "400 expired: false"],
    ));

  it("many times leaves one deadline in force", () =>
    expectTrace(
      async (note, loop) => {
        const ended = timeout(10, async (t) => {
          for (let i = 0; i < 100; i++) {
            t.reschedule(loop.time() + 10);
            await sleep(5);
          }
          await sleep(1000);
        });
        note(await outcome(ended));
      },
      ["505 TimeoutError"],
    ));
});

describe("rescheduling a timeout that is not active", () => {
  it("whose body has ended is an error", () =>
    trace(async () => {
      const t = await timeout(10, (own) => own);
      expect(() => t.reschedule(20)).toThrow(RuntimeError);
      expect(() => t.reschedule(20)).toThrow(/has ended/);
    }));

  it("that has expired is an error", () =>
    trace(async () => {
      let t: Timeout | undefined;
      const ended = timeout(10, (own) => {
        t = own;
        return sleep(1000);
      });
      expect(await outcome(ended)).toBe("TimeoutError");
      expect(() => t?.reschedule(2000)).toThrow(RuntimeError);
      expect(() => t?.reschedule(2000)).toThrow(/has expired/);
    }));

  it("that has expired while its body still runs is an error", () =>
    expectTraces(
      async (note) => {
        const ended = timeout(10, async (t) => {
          await sleep(1000).catch((error) => note(name(error)));
          expect(() => t.reschedule(2000)).toThrow(/has expired/);
          note(await outcome(sleep(5)));
        });
        note(await outcome(ended));
      },
      {
        once: ["10 CancelledError", "15 done", "15 done"],
        sticky: ["10 CancelledError", "10 CancelledError", "10 done"],
      },
    ));

  it("keeps what when() and expired() tell", () =>
    trace(async () => {
      const t = await timeout(10, (own) => own);
      await sleep(100);
      expect([t.when(), t.expired()]).toEqual([10, false]);
    }));

  it("to something that is no time is an error, and the old deadline stays", () =>
    expectTrace(
      async (note) => {
        const ended = timeout(10, async (t) => {
          expect(() => t.reschedule(Number.NaN)).toThrow(TypeError);
          expect(() => t.reschedule("1s" as never)).toThrow(/loop\.time\(\) \+ milliseconds/); // the wrong type, on purpose
          note(`when: ${t.when()}`);
          await sleep(1000);
        });
        note(await outcome(ended));
      },
      ["0 when: 10", "10 TimeoutError"],
    ));
});
