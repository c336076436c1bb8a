import { sleep, type Timeout, timeout, timeoutAt, uncancellable } from "brio";
import { describe, it } from "vitest";
import { sleeper } from "./actors.ts";
import { expectTrace, expectTraces, name, outcome } from "./trace.ts";

describe("timeouts in one another", () => {
  it("the inner expires first: its TimeoutError, and the outer's time runs on", () =>
    expectTrace(
      async (note) => {
        const ended = timeout(100, async (outer) => {
          const inner = timeout(10, () => sleep(1000));
          note(`inner: ${await outcome(inner)}`);
          note(`outer expired: ${outer.expired()}`);
          await sleep(1000);
        });
        note(`outer: ${await outcome(ended)}`);
      },
      ["10 inner: TimeoutError", "10 outer expired: false", "100 outer: TimeoutError"],
    ));

  it("the outer expires first: the inner sees a cancellation, and is not expired", () =>
    expectTrace(
      async (note) => {
        let inner: Timeout | undefined;
        const ended = timeout(10, async () => {
          const nested = timeout(100, async (own) => {
            inner = own;
            await sleeper(note, "body", 1000)();
          });
          await nested.catch((error) => {
            note(`inner: ${name(error)}, expired: ${inner?.expired()}`);
            throw error;
          });
        });
        note(`outer: ${await outcome(ended)}`);
        await sleep(200);
        note(`inner expired: ${inner?.expired()}`);
      },
      [
        "10 body: CancelledError",
        "10 inner: CancelledError, expired: false",
        "10 outer: TimeoutError",
        "210 inner expired: false",
      ],
    ));

  it("both expire in one turn: only the outer throws TimeoutError", () =>
    expectTrace(
      async (note) => {
        const timeouts: Timeout[] = [];
        const ended = timeoutAt(10, async (outer) => {
          const nested = timeoutAt(10, async (inner) => {
            timeouts.push(outer, inner);
            await sleep(1000);
          });
          await nested.catch((error) => {
            note(`inner: ${name(error)}`);
            throw error;
          });
        });
        note(`outer: ${await outcome(ended)}`);
        note(`expired: ${timeouts.map((t) => t.expired()).join()}`);
      },
      ["10 inner: CancelledError", "10 outer: TimeoutError", "10 expired: true,true"],
    ));

  it("both expire in one turn, the inner first: still only the outer throws TimeoutError", () =>
    expectTrace(
      async (note, loop) => {
        const ended = timeout(1000, async (outer) => {
          const nested = timeout(1000, async (inner) => {
            loop.callAt(10, () => {
              inner.reschedule(loop.time());
              outer.reschedule(loop.time());
            });
            await sleep(5000);
          });
          await nested.catch((error) => {
            note(`inner: ${name(error)}`);
            throw error;
          });
          note("never");
        });
        note(`outer: ${await outcome(ended)}`);
      },
      ["10 inner: CancelledError", "10 outer: TimeoutError"],
    ));

  it("both expire, and the body swallows it: neither throws", () =>
    expectTrace(
      async (note) => {
        const ended = timeoutAt(10, (outer) =>
          timeoutAt(10, async (inner) => {
            await sleep(1000).catch((error) => note(name(error)));
            return `expired: ${outer.expired()},${inner.expired()}`;
          }),
        );
        note(await outcome(ended));
        await sleep(10);
        note("the task goes on");
      },
      ["10 CancelledError", "10 expired: true,true", "20 the task goes on"],
    ));

  it("the outer expires while the inner's body cleans up: the outer's TimeoutError", () =>
    expectTrace(
      async (note) => {
        const ended = timeout(50, async () => {
          const nested = timeout(10, async () => {
            try {
              await sleep(1000);
            } finally {
              await uncancellable(sleeper(note, "clean-up", 100));
            }
          });
          await nested.catch((error) => {
            note(`inner: ${name(error)}`);
            throw error;
          });
        });
        note(`outer: ${await outcome(ended)}`);
      },
      ["110 clean-up slept", "110 inner: CancelledError", "110 outer: TimeoutError"],
    ));

  it("three levels: the one that expires throws, those inside see a cancellation", () =>
    expectTrace(
      async (note) => {
        const look = (who: string) => (error: unknown) => {
          note(`${who}: ${name(error)}`);
          throw error;
        };
        const ended = timeout(1000, () =>
          timeout(20, () => timeout(500, () => sleep(5000)).catch(look("innermost"))).catch(look("middle")),
        );
        note(`outermost: ${await outcome(ended)}`);
      },
      ["20 innermost: CancelledError", "20 middle: TimeoutError", "20 outermost: TimeoutError"],
    ));

  it("one after the other have each their time", () =>
    expectTrace(
      async (note) => {
        for (let i = 0; i < 3; i++) note(await outcome(timeout(10, () => sleep(1000))));
        note(await outcome(timeout(10, () => sleep(5, "in time"))));
      },
      ["10 TimeoutError", "20 TimeoutError", "30 TimeoutError", "35 in time"],
    ));
});

describe("a timeout in the clean-up of one that has expired", () => {
  it("has its own time under asyncio's rule; sticky, its wait is refused", () =>
    expectTraces(
      async (note) => {
        const ended = timeout(10, async () => {
          try {
            await sleep(1000);
          } finally {
            note(`clean-up: ${await outcome(timeout(10, () => sleep(1000)))}`);
          }
        });
        note(await outcome(ended));
      },
      {
        once: ["20 clean-up: TimeoutError", "20 TimeoutError"],
        sticky: ["10 clean-up: CancelledError", "10 TimeoutError"],
      },
    ));

  it("has its own time when the clean-up is protected", () =>
    expectTrace(
      async (note) => {
        const ended = timeout(10, async () => {
          try {
            await sleep(1000);
          } finally {
            const cleanUp = uncancellable(() => timeout(10, () => sleep(1000)));
            note(`clean-up: ${await outcome(cleanUp)}`);
          }
        });
        note(await outcome(ended));
      },
      ["20 clean-up: TimeoutError", "20 TimeoutError"],
    ));
});

describe("timeouts side by side, in branches of one Promise.all", () => {
  it("do not disturb each other: each ends its own branch, at its own time", () =>
    expectTrace(
      async (note) => {
        const branch = async (who: string, limit: number, work: number): Promise<void> => {
          note(`${who}: ${await outcome(timeout(limit, () => sleep(work, "in time")))}`);
        };
        await Promise.all([branch("a", 10, 1000), branch("b", 20, 1000), branch("c", 30, 15)]);
        note("all");
      },
      ["10 a: TimeoutError", "15 c: in time", "20 b: TimeoutError", "20 all"],
    ));

  it("leave a branch alone that has none", () =>
    expectTrace(
      async (note) => {
        await Promise.all([
          outcome(timeout(10, () => sleep(1000))).then((ended) => note(`limited: ${ended}`)),
          sleeper(note, "free", 100)(),
        ]);
      },
      ["10 limited: TimeoutError", "100 free slept"],
    ));

  it("expire in one turn, and each throws its TimeoutError", () =>
    expectTrace(
      async (note) => {
        const branch = async (who: string): Promise<void> => {
          note(`${who}: ${await outcome(timeout(10, () => sleep(1000)))}`);
        };
        await Promise.all([branch("a"), branch("b")]);
        await sleep(10);
        note("the task goes on");
      },
      ["10 a: TimeoutError", "10 b: TimeoutError", "20 the task goes on"],
    ));

  it("one expires while another's branch cleans up: both throw TimeoutError", () =>
    expectTrace(
      async (note) => {
        const branch = async (who: string, limit: number): Promise<void> => {
          const ended = timeout(limit, async () => {
            try {
              await sleep(1000);
            } finally {
              await uncancellable(() => sleep(50));
            }
          });
          note(`${who}: ${await outcome(ended)}`);
        };
        await Promise.all([branch("a", 10), branch("b", 20)]);
      },
      ["60 a: TimeoutError", "70 b: TimeoutError"],
    ));

  it("inside another timeout all end with it, though Promise.all waits for the first alone", () =>
    expectTrace(
      async (note) => {
        const ended = timeout(20, async () => {
          await Promise.all([
            timeout(10, () => sleeper(note, "a", 1000)()).catch((error) => note(`a ends: ${name(error)}`)),
            timeout(100, () => sleeper(note, "b", 1000)()),
            sleeper(note, "c", 1000)(),
          ]);
        });
        note(await outcome(ended));
      },
      [
        "10 a: CancelledError",
        "10 a ends: TimeoutError",
        "20 c: CancelledError",
        "20 TimeoutError",
        "20 b: CancelledError",
      ],
    ));
});
