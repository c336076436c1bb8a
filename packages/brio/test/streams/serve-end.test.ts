import {
  CancelledError,
  createTask,
  ExceptionGroup,
  sleep,
  sleepForever,
  timeout,
  uncancellable,
} from "brio";
import { type ServeOptions, type Service, serve } from "brio/streams";
import { cancelAnywhere } from "brio/testing";
import { describe, expect, it } from "vitest";
import { errorOf, expectTrace, name, outcome } from "../compose/trace.ts";
import { nap, resource } from "./service-parts.ts";

describe("a failure", () => {
  it("of the body ends the service, and what it had begun", async () => {
    await expectTrace(
      async (note) => {
        const served = serve(async (service) => {
          service.use(resource(note, "the database"));
          service.background(() => nap(note, "the background", "for ever"));
          await sleep(5);
          throw new Error("no port");
        });
        note(await outcome(served));
      },
      ["5 the background is cancelled", "5 the database is disposed of", "5 [Error(no port)]"],
    );
  });

  it("of a background task stops the service in order", async () => {
    await expectTrace(
      async (note) => {
        const served = serve((service) => {
          service.work(() => nap(note, "work", 50));
          service.background(async () => {
            await sleep(20);
            throw new Error("lost the broker");
          });
        });
        note(await outcome(served));
      },
      ["50 work is done", "50 [Error(lost the broker)]"],
    );
  });

  it("does not hide another", async () => {
    await expectTrace(
      async (note) => {
        const served = serve((service) => {
          service.work(async () => {
            await sleep(10);
            throw new Error("one");
          });
          service.background(async () => {
            await sleepForever().catch(() => {
              throw new Error("two");
            });
          });
          service.use({
            [Symbol.asyncDispose]: async () => {
              throw new Error("three");
            },
          });
        });
        note(await outcome(served));
      },
      ["10 [Error(one), Error(two), Error(three)]"],
    );
  });

  it("is thrown although the service was cancelled; the cancellation stays in force", async () => {
    await expectTrace(
      async (note) => {
        const task = createTask(async () => {
          const error = await errorOf(
            serve((service) => {
              service.background(async () => {
                await sleepForever().catch(() => {
                  throw new Error("can't end");
                });
              });
            }),
          );
          note(name(error));
          expect(error).toBeInstanceOf(ExceptionGroup);
          await sleep(1);
          note("never");
        });
        await sleep(10);
        task.cancel();
        note(await outcome(task));
      },
      ["10 [Error(can't end)]", "10 CancelledError"],
    );
  });
});

describe("cancelled", () => {
  it("a service drains, and throws CancelledError then", async () => {
    await expectTrace(
      async (note) => {
        const task = createTask(() =>
          serve((service) => {
            service.onReadiness((ready) => note(`ready: ${ready}`));
            service.work(() => nap(note, "work", 100));
            service.background(() => nap(note, "the background", "for ever"));
          }),
        );
        await sleep(10);
        task.cancel("enough");
        note(await outcome(task));
      },
      [
        "0 ready: true",
        "10 ready: false",
        "100 work is done",
        "100 the background is cancelled",
        "100 CancelledError(enough)",
      ],
    );
  });

  it("by a timeout, it drains; the timeout says so then", async () => {
    await expectTrace(
      async (note) => {
        const served = timeout(50, () => serve((service) => void service.work(() => nap(note, "work", 80))));
        note(await outcome(served));
      },
      ["80 work is done", "80 TimeoutError"],
    );
  });

  it("in its body, it does not become ready", async () => {
    await expectTrace(
      async (note) => {
        const task = createTask(() =>
          serve(async (service) => {
            service.onReadiness((ready) => note(`ready: ${ready}`));
            service.background(() => nap(note, "the background", "for ever"));
            await nap(note, "the body", "for ever");
          }),
        );
        await sleep(10);
        task.cancel();
        note(await outcome(task));
      },
      ["10 the body is cancelled", "10 the background is cancelled", "10 CancelledError"],
    );
  });

  it("twice, it drains all the same", async () => {
    await expectTrace(
      async (note) => {
        const task = createTask(() => serve((service) => void service.work(() => nap(note, "work", 100))));
        await sleep(10);
        task.cancel("once");
        await sleep(10);
        task.cancel("twice");
        const error = await errorOf(task);
        expect(error).toBeInstanceOf(CancelledError);
        note("cancelled");
      },
      ["100 work is done", "100 cancelled"],
    );
  });

  it("at whatever point, it leaves nothing behind", async () => {
    const result = await cancelAnywhere(
      async (trial) => {
        const open = new Set<string>();
        trial.check(() => expect([...open]).toEqual([]));
        await serve(
          async (service) => {
            open.add("database");
            service.use({ [Symbol.asyncDispose]: async () => void open.delete("database") });
            const hold = (what: string, time: number) => async () => {
              open.add(what);
              await sleep(time).finally(() => open.delete(what));
            };
            service.work(hold("short", 5));
            service.work(hold("long", 5000));
            service.background(hold("background", 10_000));
            await sleep(5);
            service.background(async () => {
              await sleep(20);
              service.stop();
            });
          },
          { lameDuck: 10, drain: 50, grace: 10 } satisfies ServeOptions,
        );
      },
      { targets: "main" },
    );
    expect(result.points).toBeGreaterThan(5);
    expect(result.missed).toBe(0);
  });
});

describe("stopped in its body", () => {
  it("a service cancels the body, waits for it, and ends", async () => {
    await expectTrace(
      async (note) => {
        await serve(async (service) => {
          service.use(resource(note, "the database"));
          service.background(async () => {
            await sleep(5);
            service.stop();
          });
          await sleepForever().finally(() => uncancellable(() => nap(note, "the body's clean-up", 20)));
        });
        note("served");
      },
      ["25 the body's clean-up is done", "25 the database is disposed of", "25 served"],
    );
  });

  it("takes more work until the time is over; then nothing begins", async () => {
    await expectTrace(
      async (note) => {
        let service: Service | undefined;
        await serve(
          (given) => {
            service = given;
            service.work(async () => {
              await service?.whenStopping();
              await sleep(10);
              service?.work(() => nap(note, "work for what was accepted", 10));
            });
            service.work(() => nap(note, "work", 500));
            service.background(async () => {
              await sleepForever().finally(() => {
                note(String(service));
                service?.work(() => nap(note, "never", 1));
                service?.background(() => nap(note, "never", 1));
              });
            });
            service.stop();
          },
          { drain: 100 },
        );
        note(String(service));
        if (service !== undefined) note(await outcome(service.work(async () => note("never"))));
        expect(() => service?.use(resource(note, "never"))).toThrow(/the service has ended/);
      },
      [
        "20 work for what was accepted is done",
        "100 work is cancelled",
        "100 <Service ending>",
        "100 <Service ended>",
        "100 CancelledError",
      ],
    );
  });
});

describe("stopNow", () => {
  it("gives no time to anybody", async () => {
    await expectTrace(
      async (note) => {
        await serve(
          async (service) => {
            service.work(() => nap(note, "work", 1000));
            createTask(async () => {
              await sleep(10);
              service.stopNow();
            });
          },
          { lameDuck: 100 },
        );
        note("served");
      },
      ["10 work is cancelled", "10 served"],
    );
  });

  it("cuts short the lame duck and the drain", async () => {
    for (const [at, phase] of [
      [50, "lame duck"],
      [150, "draining"],
    ] as const) {
      await expectTrace(
        async (note) => {
          await serve(
            async (service) => {
              service.work(() => nap(note, "work", 1000));
              createTask(async () => {
                await sleep(0);
                service.stop();
                await sleep(at);
                note(service.phase);
                service.stopNow();
              });
            },
            { lameDuck: 100 },
          );
          note("served");
        },
        [`${at} ${phase}`, `${at} work is cancelled`, `${at} served`],
      );
    }
  });
});
