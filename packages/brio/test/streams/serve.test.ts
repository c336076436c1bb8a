import {
  CancelledError,
  createTask,
  ExceptionGroup,
  interval,
  sleep,
  sleepForever,
  timeout,
  uncancellable,
} from "brio";
import { type ServeOptions, Service, serve } from "brio/streams";
import { cancelAnywhere } from "brio/testing";
import { describe, expect, it } from "vitest";
import { errorOf, expectTrace, type Note, name, outcome, trace } from "../compose/trace.ts";

/** Sleeps, and notes how that ended. */
async function nap(note: Note, what: string, time: number | "for ever"): Promise<void> {
  try {
    await (time === "for ever" ? sleepForever() : sleep(time));
    note(`${what} is done`);
  } catch (error) {
    note(`${what} is cancelled`);
    throw error;
  }
}

/** A resource that says when it is disposed of, and takes its time. */
const resource = (note: Note, what: string, time = 0): AsyncDisposable => ({
  [Symbol.asyncDispose]: async () => {
    await sleep(time);
    note(`${what} is disposed of`);
  },
});

class Hanging implements AsyncDisposable {
  async [Symbol.asyncDispose](): Promise<void> {
    await sleepForever();
  }
}

describe("a service", () => {
  it("starts, is ready, drains, ends what is left, in this order", async () => {
    await expectTrace(
      async (note) => {
        await serve(
          async (service) => {
            service.onReadiness((ready) => note(`ready: ${ready}, ${service.phase}`));
            service.use(resource(note, "the database"));
            service.use(resource(note, "the cache"));
            service.work(() => nap(note, "short work", 1300));
            service.work(() => nap(note, "long work", "for ever"));
            service.background(() => nap(note, "the background", "for ever"));
            await sleep(10);
            createTask(async () => {
              await sleep(990);
              service.stop();
              service.stop(); // twice is fine
            });
          },
          { lameDuck: 200, drain: 500 },
        );
        note("served");
      },
      [
        "10 ready: true, running",
        "1000 ready: false, lame duck",
        "1300 short work is done",
        "1700 long work is cancelled",
        "1700 the background is cancelled",
        "1700 the cache is disposed of",
        "1700 the database is disposed of",
        "1700 served",
      ],
    );
  });

  it("waits no longer than it must", async () => {
    await expectTrace(
      async (note) => {
        await serve((service) => {
          service.work(async () => {
            await service.whenReady();
            service.stop();
            await nap(note, "work", 30);
          });
          service.background(() => nap(note, "the background", "for ever"));
        });
        note("served");
      },
      ["30 work is done", "30 the background is cancelled", "30 served"],
    );
  });

  it("goes on as before while it is a lame duck", async () => {
    await expectTrace(
      async (note) => {
        await serve(
          async (service) => {
            service.background(async () => {
              for await (const _ of interval(100)) {
                if (service.isStopping) return;
                service.work(() => nap(note, "request", 10));
              }
            });
            createTask(async () => {
              await sleep(150);
              service.stop();
              note(`${service.phase}, stopping: ${service.isStopping}`);
              await service.whenStopping();
              note(`${service.phase}, stopping: ${service.isStopping}`);
            });
          },
          { lameDuck: 100 },
        );
      },
      [
        "10 request is done",
        "110 request is done",
        "150 lame duck, stopping: false",
        "210 request is done",
        "250 draining, stopping: true",
      ],
    );
  });

  it("is no lame duck if nobody knew that it was there", async () => {
    await expectTrace(
      async (note) => {
        await serve(
          async (service) => {
            service.setReady(false);
            createTask(async () => service.stop());
          },
          { lameDuck: "1h" },
        );
        note("served");
      },
      ["0 served"],
    );
  });

  it("gives what it cancels time to clean up, and goes on without what takes longer", async () => {
    const events = await trace(async (note) => {
      await serve(
        (service) => {
          service.work(async () => {
            await sleepForever().finally(() => uncancellable(() => nap(note, "tidy clean-up", 50)));
          });
          service.work(
            async () => {
              await sleepForever().finally(() => uncancellable(() => nap(note, "endless clean-up", 3000)));
            },
            { name: "endless" },
          );
          service.background(() => nap(note, "the background", "for ever"));
          createTask(async () => service.stop());
        },
        { drain: 0, grace: 100 },
      );
      note("served");
      await sleep(5000);
    });
    expect(events).toEqual([
      "50 tidy clean-up is done",
      '100 reported: the service goes on without <Task "endless" pending>: it has not ended within the grace of 100 ms undefined',
      "100 the background is cancelled",
      "100 served",
      "3000 endless clean-up is done",
    ]);
  });

  it("gives back its resources one after the other, each in its own time", async () => {
    await expectTrace(
      async (note) => {
        await serve(
          (service) => {
            service.use(resource(note, "first", 10));
            service.use(new Hanging());
            service.use(resource(note, "last", 20));
            service.stop();
          },
          { grace: 100 },
        );
        note("served");
      },
      [
        "20 last is disposed of",
        '120 reported: the service goes on without <Task "end of Hanging" pending>: it has not ended within the grace of 100 ms undefined',
        "130 first is disposed of",
        "130 served",
      ],
    );
  });
});

describe("readiness", () => {
  it("is the program's to say, while the service runs", async () => {
    await expectTrace(
      async (note) => {
        await serve(async (service) => {
          const off = service.onReadiness((ready) => note(`ready: ${ready}`));
          service.setReady(true); // before the body has ended
          await sleep(10);
          service.setReady(false);
          service.setReady(false); // no change
          createTask(async () => {
            await sleep(10);
            service.setReady(true);
            service.stop();
            service.setReady(true); // no more
            note(`at the end: ${service.ready}`);
            off();
          });
        });
      },
      ["0 ready: true", "10 ready: false", "20 ready: true", "20 ready: false", "20 at the end: false"],
    );
  });

  it("can be waited for, by those who come before and after it", async () => {
    await expectTrace(
      async (note) => {
        await serve(async (service) => {
          service.work(async () => note(`early: ${await service.whenReady()}`));
          await sleep(10);
          createTask(async () => {
            await sleep(10);
            note(`late: ${await service.whenReady()}`);
            service.stop();
            note(`too late: ${await service.whenReady()}`);
          });
        });
      },
      ["10 early: true", "20 late: true", "20 too late: false"],
    );
  });

  it("that never comes holds nobody up", async () => {
    await expectTrace(
      async (note) => {
        const service = serve(async (service) => {
          service.work(async () => note(`ready: ${await service.whenReady()}`));
          await sleep(10);
          throw new Error("no database");
        });
        note(await outcome(service));
      },
      ["10 ready: false", "10 [Error(no database)]"],
    );
  });

  it("is told to listeners that fail as to the others; the error is reported", async () => {
    await expectTrace(
      async (note) => {
        await serve(async (service) => {
          service.onReadiness(() => {
            throw new Error("broken");
          });
          service.onReadiness(async (ready) => {
            note(`ready: ${ready}`);
            if (ready) service.stop();
          });
        });
      },
      [
        "0 reported: a readiness listener of the service failed Error(broken)",
        "0 ready: true",
        "0 reported: a readiness listener of the service failed Error(broken)",
        "0 ready: false",
      ],
    );
  });
});

describe("untilStopping", () => {
  it("ends a wait when the service drains, and only then", async () => {
    await expectTrace(
      async (note) => {
        await serve(
          async (service) => {
            service.work(async () => {
              note(`${await service.untilStopping(() => sleep(10, "an early request"))}`);
              note(`${await service.untilStopping(() => sleep(10_000, "a late one"))}`);
              note(`${await service.untilStopping(() => sleep(0, "one more"))}`);
              await nap(note, "clean-up", 5);
            });
            createTask(async () => {
              await sleep(100);
              service.stop();
            });
          },
          { lameDuck: 50 },
        );
        note("served");
      },
      ["10 an early request", "150 undefined", "150 undefined", "155 clean-up is done", "155 served"],
    );
  });

  it("throws what its body throws", async () => {
    await expectTrace(
      async (note) => {
        const served = serve((service) => {
          service.work(() =>
            service.untilStopping(() => {
              throw new Error("bad request");
            }),
          );
        });
        note(await outcome(served));
      },
      ["0 [Error(bad request)]"],
    );
  });
});

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

describe("wrong arguments", () => {
  it("are named, with the right call", async () => {
    const events = await trace(async () => {
      await expect(serve(null as never)).rejects.toThrow(
        /serve\(\) takes a function that sets the service up/,
      );
      await expect(serve(() => {}, "10s" as never)).rejects.toThrow(/serve\(\) takes options/);
      await expect(serve(() => {}, { drain: -1 })).rejects.toThrow(/^drain is negative/);
      await expect(serve(() => {}, { lameDuck: "soon" as never })).rejects.toThrow(
        /^lameDuck is not a duration/,
      );
      await serve(async (service) => {
        expect(service).toBeInstanceOf(Service);
        expect(() => service.add({} as never)).toThrow(/service.add\(\) takes a server/);
        expect(() => service.add(null as never)).toThrow(/service.add\(\) takes a server/);
        expect(() => service.use({} as never)).toThrow(/service.use\(\) takes what has/);
        expect(() => service.onReadiness(1 as never)).toThrow(/service.onReadiness\(\) takes a function/);
        expect(() => service.setReady("yes" as never)).toThrow(/^ready must be true or false/);
        expect(() => service.work(Promise.resolve() as never)).toThrow(TypeError);
        service.stop();
      });
    });
    expect(events).toEqual([]);
    await expect(serve(() => {})).rejects.toThrow(/serve\(\) needs a running event loop/);
  });
});
