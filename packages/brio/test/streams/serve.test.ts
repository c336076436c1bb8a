import { createTask, interval, sleep, sleepForever, uncancellable } from "brio";
import { Service, serve } from "brio/streams";
import { describe, expect, it } from "vitest";
import { expectTrace, outcome, trace } from "../compose/trace.ts";
import { Hanging, nap, resource } from "./service-parts.ts";

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
