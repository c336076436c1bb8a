import { CancelScope, currentTask, Event, sleep, timeout } from "brio";
import { describe, expect, it } from "vitest";
import { expectTrace, name, outcome, trace } from "./trace.ts";

describe("the count of cancellations around a timeout", () => {
  it("is what it was before, whatever the end", () =>
    trace(async () => {
      const me = currentTask();
      const seen: (number | undefined)[] = [];
      const count = () => void seen.push(me?.cancelling());
      await timeout(10, () => {});
      count();
      await outcome(timeout(10, () => sleep(1000)));
      count();
      await outcome(timeout(10, () => Promise.reject(new Error("body"))));
      count();
      await timeout(10, () => sleep(1000).catch(count));
      count();
      expect(seen).toEqual([0, 0, 0, 1, 0]);
    }));

  it("is not changed by an uncancel that meant the deadline", () =>
    expectTrace(
      async (note) => {
        const me = currentTask();
        const go = new Event();
        const ended = timeout(10, async () => {
          await go.wait().catch((error) => note(name(error)));
          note(`${me?.uncancel()} left`);
          return "swallowed";
        });
        note(await outcome(ended));
        note(`asked ${me?.cancelling()} times`);
        await sleep(10);
        note("the task goes on");
      },
      ["10 CancelledError", "10 0 left", "10 swallowed", "10 asked 0 times", "20 the task goes on"],
    ));

  it("takes one back further out when the body has taken the deadline's back, as asyncio does", () =>
    expectTrace(
      async (note) => {
        const me = currentTask();
        await timeout(10, async () => {
          await timeout(10, async () => {
            await outcome(sleep(1000));
            note(`asked ${me?.cancelling()} times`);
            note(`${me?.uncancel()} left`);
          });
          note(`asked ${me?.cancelling()} times`);
          await sleep(10);
        });
        note("the task goes on");
      },
      ["10 asked 2 times", "10 1 left", "10 asked 0 times", "20 the task goes on"],
    ));

  it("that is taken back before it had an effect has none after the scope either", () =>
    expectTrace(
      async (note) => {
        const me = currentTask();
        await new CancelScope().run((scope) => {
          scope.cancel();
          me?.cancel();
          note(`asked ${me?.cancelling()} times`);
          me?.uncancel();
        });
        note(`asked ${me?.cancelling()} times`);
        await sleep(10);
        note("the task goes on");
      },
      ["0 asked 2 times", "0 asked 0 times", "10 the task goes on"],
    ));
});
