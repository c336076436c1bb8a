import { CancelledError, createTask, Event, sleep, TimeoutError, timeout } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

describe("Event", () => {
  it("is not set at first, set by set, and unset by clear", () => {
    const event = new Event();
    const states = [event.isSet()];
    event.set();
    states.push(event.isSet());
    event.set();
    states.push(event.isSet());
    event.clear();
    states.push(event.isSet());
    expect(states).toEqual([false, true, true, false]);
  });

  it("resolves wait with true at once when it is set, without letting others run", async () => {
    await runVirtual(async () => {
      const event = new Event();
      event.set();
      const events: unknown[] = [];
      const other = createTask(async () => void events.push("other"));
      events.push(await event.wait());
      await other;
      expect(events).toEqual([true, "other"]);
    });
  });

  it("wakes all who wait in the order in which they came, after the tasks that were ready before", async () => {
    await runVirtual(async () => {
      const event = new Event();
      const events: string[] = [];
      const waiter = (name: string) =>
        createTask(async () => {
          if (await event.wait()) events.push(name);
        });
      const early = [waiter("first"), waiter("second")];
      await sleep(0);
      const late = waiter("late"); // starts when the flag is set already
      events.push("set");
      event.set();
      await sleep(0);
      expect(events).toEqual(["set", "late", "first", "second"]);
      expect([...early, late].every((task) => task.done())).toBe(true);
    });
  });

  it("wakes those who wait even if it is cleared in the same step", async () => {
    await runVirtual(async () => {
      const event = new Event();
      const events: string[] = [];
      const waiter = createTask(async () => {
        const value = await event.wait();
        events.push(`woke with ${value}, set: ${event.isSet()}`);
      });
      await sleep(0);
      event.set();
      event.clear();
      await waiter;
      expect(events).toEqual(["woke with true, set: false"]);
    });
  });

  it("wakes a waiter once, however often it is set before its turn", async () => {
    await runVirtual(async () => {
      const event = new Event();
      const events: string[] = [];
      const waiter = createTask(async () => {
        await event.wait();
        events.push("woke");
        event.clear();
        await event.wait();
        events.push("woke again");
      });
      await sleep(0);
      event.set();
      event.clear();
      event.set();
      event.set();
      expect(event.statistics()).toEqual({ set: true, waiting: 1 });
      await sleep(10);
      expect(events).toEqual(["woke"]);
      expect(event.statistics()).toEqual({ set: false, waiting: 1 });
      waiter.cancel();
    });
  });

  it("makes who comes after a clear wait for the next set", async () => {
    await runVirtual(async () => {
      const event = new Event();
      event.set();
      event.clear();
      const waiter = createTask(() => event.wait());
      await sleep(10);
      expect(waiter.done()).toBe(false);
      event.set();
      expect(await waiter).toBe(true);
    });
  });

  it("forgets a cancelled waiter, and wakes the others", async () => {
    await runVirtual(async () => {
      const event = new Event();
      const [first, second] = [createTask(() => event.wait()), createTask(() => event.wait())];
      await sleep(0);
      first.cancel();
      await expect(first).rejects.toThrow(CancelledError);
      expect(event.statistics()).toEqual({ set: false, waiting: 1 });
      event.set();
      expect(await second).toBe(true);
    });
  });

  it("rejects a waiter that is cancelled between the set and its turn", async () => {
    await runVirtual(async () => {
      const event = new Event();
      const waiter = createTask(() => event.wait());
      await sleep(0);
      event.set();
      waiter.cancel();
      await expect(waiter).rejects.toThrow(CancelledError);
      expect(event.statistics()).toEqual({ set: true, waiting: 0 });
    });
  });

  it("keeps nobody in line after the time to wait for it was over", async () => {
    await runVirtual(async () => {
      const event = new Event();
      await expect(timeout(10, () => event.wait())).rejects.toThrow(TimeoutError);
      expect(event.statistics()).toEqual({ set: false, waiting: 0 });
    });
  });

  it("says in a string whether it is set and how many wait", async () => {
    await runVirtual(async () => {
      const event = new Event();
      const shown = [String(event)];
      const waiter = createTask(() => event.wait());
      await sleep(0);
      shown.push(String(event));
      event.set();
      await waiter;
      shown.push(String(event));
      expect(shown).toEqual([
        "<Event unset, 0 waiting>",
        "<Event unset, 1 waiting>",
        "<Event set, 0 waiting>",
      ]);
    });
  });
});
