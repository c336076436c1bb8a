import type { AddressInfo } from "node:net";
import { background, brio, perRequest } from "@brio/http/fastify";
import { createTask, Event, interruptible, run, sleep, sleepForever, taskGroup } from "brio";
import { type Service, serve } from "brio/streams";
import fastify from "fastify";
import { describe, expect, it } from "vitest";
import { leavesNothing } from "../../../brio/test/left-behind.ts";
import { ask, RawClient } from "./clients.ts";
import { frameworks } from "./frameworks.ts";
import { serving } from "./serving.ts";

leavesNothing();

describe.each(frameworks)("the end of a server on $name", (framework) => {
  it("comes in order: not ready, no new connection, answers, background tasks, lifespan", async () => {
    const events: string[] = [];
    const entered = new Event();
    const goOn = new Event();
    const lifespan = async function* (): AsyncGenerator<undefined> {
      events.push("opened");
      yield;
      await sleep(1);
      events.push("closed");
    };
    const page = async (): Promise<string> => {
      background(async () => {
        await goOn.wait();
        await sleep(20);
        events.push("background done");
      });
      entered.set();
      await goOn.wait();
      events.push("answered");
      return "ok";
    };
    await run(() =>
      serve(async (service) => {
        const { port } = await framework.serve({ pages: { "/": page }, options: { service, lifespan } });
        service.onReadiness((ready) => events.push(`ready: ${ready}`));
        createTask(async () => {
          await service.whenReady();
          const answer = ask(port, "/");
          await entered.wait();
          service.stop();
          await interruptible(expect(RawClient.connect(port)).rejects.toThrow("ECONNREFUSED"));
          goOn.set();
          const { status, body, headers } = await interruptible(answer);
          events.push(`${status} ${body} ${headers.connection}`);
        });
      }),
    );
    expect(events.filter((event) => event.startsWith("200"))).toEqual(["200 ok close"]);
    expect(events.filter((event) => !event.startsWith("200"))).toEqual([
      "opened",
      "ready: true",
      "ready: false",
      "answered",
      "background done",
      "closed",
    ]);
  });

  it("cancels what has not ended in time, which is answered with 503; background tasks too", async () => {
    const events: string[] = [];
    const entered = new Event();
    const page = async (): Promise<string> => {
      background(async () => {
        try {
          await sleepForever();
        } finally {
          events.push("background cancelled");
        }
      });
      entered.set();
      await sleepForever();
      return "never";
    };
    await run(() =>
      serve(
        async (service) => {
          const { port } = await framework.serve({ pages: { "/": page }, options: { service } });
          createTask(async () => {
            const answer = ask(port, "/");
            await entered.wait();
            service.stop();
            const { status, body, headers } = await interruptible(answer);
            events.push(`${status} ${body} ${headers["retry-after"]}`);
          });
        },
        { drain: "20ms" },
      ),
    );
    expect(events.sort()).toEqual(["503 ServiceUnavailableError 1", "background cancelled"]);
  });

  it("answers what idle connections send before they are closed, and closes them then", async () => {
    await run(() =>
      serve(async (service) => {
        const { port } = await framework.serve({ pages: { "/": () => "ok" }, options: { service } });
        createTask(async () => {
          const [used, unused, late] = await interruptible(
            Promise.all([RawClient.connect(port), RawClient.connect(port), RawClient.connect(port)]),
          );
          used.get("/");
          await interruptible(used.until("ok"));
          service.stop();
          late.get("/"); // it could not know
          const texts = await interruptible(Promise.all([used.end(), unused.end(), late.end()]));
          expect(texts[0].toLowerCase()).not.toContain("connection: close");
          expect(texts[1]).toBe("");
          expect(texts[2].toLowerCase()).toContain("connection: close");
          expect(texts[2]).toContain("ok");
        });
      }),
    );
  });

  it("says to clients of a lame duck that they should go elsewhere", async () => {
    await run(() =>
      serve(
        async (service) => {
          const { port } = await framework.serve({ pages: { "/": () => "ok" }, options: { service } });
          createTask(async () => {
            await service.whenReady();
            const client = await interruptible(RawClient.connect(port));
            client.get("/");
            await interruptible(client.until("ok"));
            expect(client.received.toLowerCase()).not.toContain("connection: close");
            service.stop();
            expect(service.phase).toBe("lame duck");
            client.get("/");
            expect((await interruptible(client.end())).toLowerCase()).toContain("connection: close");
            expect((await interruptible(ask(port, "/"))).status).toBe(200);
            service.stopNow();
          });
        },
        { lameDuck: "1h" },
      ),
    );
  });

  it("names a handler that ignores cancellation, and goes on without it", async () => {
    const reports: string[] = [];
    const entered = new Event();
    let release = (): void => {};
    const page = async (): Promise<string> => {
      entered.set();
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return "late";
    };
    await run(async () => {
      const { tasks, port } = await framework.serve({
        pages: { "/stuck": page },
        options: { grace: "20ms" },
      });
      tasks.loop.setExceptionHandler((_loop, { message }) => reports.push(String(message)));
      const answer = ask(port, "/stuck").catch((error: Error) => error);
      await entered.wait();
      await tasks[Symbol.asyncDispose]();
      expect(await interruptible(answer)).toBeInstanceOf(Error);
      expect(reports).toEqual([expect.stringContaining("without <RequestTask GET /stuck>")]);
      release();
    });
  });

  it("refuses requests when the service is stopping already", async () => {
    await run(() =>
      serve(async (service: Service) => {
        service.stop();
        await expect(framework.serve({ options: { service } })).rejects.toThrow("the service is stopping");
      }),
    );
  });

  it("comes with that of the loop, if nobody closes it", async () => {
    const events: string[] = [];
    const lifespan = async function* (): AsyncGenerator<undefined> {
      yield;
      events.push("closed");
    };
    const entered = new Event();
    const page = async (): Promise<string> => {
      entered.set();
      try {
        return await sleepForever();
      } finally {
        events.push("cancelled");
      }
    };
    let answer: Promise<unknown> = Promise.resolve();
    await run(async () => {
      const { port } = await framework.serve({ pages: { "/": page }, options: { lifespan } });
      answer = ask(port, "/").catch(() => {});
      await entered.wait();
    });
    expect(events).toEqual(["cancelled", "closed"]);
    await answer;
  });
});

describe.each(frameworks)("what a request on $name needs", (framework) => {
  it("is made once, given back after the response in reverse order, and told of a failure", async () => {
    const events: string[] = [];
    const database = perRequest(async function* () {
      events.push("begin");
      try {
        yield { name: "db" };
        events.push("commit");
      } catch (error) {
        events.push(`rollback: ${(error as Error).message}`);
        throw error;
      }
    });
    const session = perRequest(async () => {
      const { name } = await database();
      return {
        user: `ada of ${name}`,
        [Symbol.asyncDispose]: async () => {
          await sleep(1);
          events.push("session closed");
        },
      };
    });
    const page = async (): Promise<string> => {
      const both = await taskGroup(async (group) => {
        const tasks = [group.createTask(() => session()), group.createTask(() => session())] as const;
        return [await tasks[0], await tasks[1]];
      });
      events.push(`handled, same: ${both[0] === both[1]}`);
      return both[0]?.user ?? "";
    };
    const broken = async (): Promise<string> => {
      await database();
      throw new Error("broken");
    };
    await serving(framework, { pages: { "/": page, "/broken": broken } }, async ({ port, tasks }) => {
      expect((await interruptible(ask(port, "/"))).body).toBe("ada of db");
      await tasks.whenIdle();
      expect(events.splice(0)).toEqual(["begin", "handled, same: true", "session closed", "commit"]);
      expect((await interruptible(ask(port, "/broken"))).status).toBe(500);
      await tasks.whenIdle();
      expect(events).toEqual(["begin", "rollback: broken"]);
    });
  });

  it("is given back when its client leaves", async () => {
    const events: string[] = [];
    const entered = new Event();
    const given = new Event();
    const connection = perRequest(() => ({
      [Symbol.asyncDispose]: async () => {
        await sleep(1);
        given.set();
      },
    }));
    const page = async (): Promise<string> => {
      await connection();
      entered.set();
      await sleepForever();
      return "never";
    };
    await serving(framework, { pages: { "/": page } }, async ({ port }) => {
      const client = await interruptible(RawClient.connect(port));
      client.get("/");
      await entered.wait();
      client.leave();
      await given.wait();
      expect(events).toEqual([]);
    });
  });
});

describe("the end of a server on fastify", () => {
  it("leaves the answer to a handler that has its body, also of a request that is made up", async () => {
    const entered = new Event();
    await run(async () => {
      const app = fastify();
      await app.register(brio, { drain: 0, grace: "1s" });
      app.post("/", async ({ body }) => {
        entered.set();
        try {
          return await sleepForever();
        } catch {
          return body;
        }
      });
      const answer = app.inject({ method: "POST", url: "/", body: { saved: 1 } });
      await entered.wait();
      await app.close();
      const { statusCode, body } = await interruptible(answer);
      expect({ statusCode, body }).toEqual({ statusCode: 200, body: '{"saved":1}' });
    });
  });

  it("tells what a request holds that it failed, if its body never came", async () => {
    const events: string[] = [];
    const reading = new Event();
    const transaction = perRequest(async function* () {
      try {
        yield "begun";
        events.push("committed");
      } catch (error) {
        events.push(`rolled back: ${(error as Error).name}`);
        throw error;
      }
    });
    await run(async () => {
      const app = fastify();
      await app.register(brio, { drain: 0, grace: "1s" });
      app.addHook("onRequest", async () => void events.push(await transaction()));
      app.addHook("preParsing", (request, _reply, body, done) => {
        request.raw.once("resume", () => reading.set());
        done(null, body);
      });
      app.post("/", () => "never");
      await app.listen({ port: 0, host: "127.0.0.1" });
      const client = await interruptible(RawClient.connect((app.server.address() as AddressInfo).port));
      const head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
      client.send(`${head}Content-Length: 9\r\n\r\n{`);
      await reading.wait();
      await app.close();
      expect(await interruptible(client.end())).toMatch(/^HTTP\/1\.1 503 /);
    });
    expect(events).toEqual(["begun", "rolled back: ServiceUnavailableError"]);
  });
});

describe("background tasks", () => {
  it("that fail are reported, and harm nobody", async () => {
    const errors: unknown[] = [];
    await run(async () => {
      const app = fastify();
      await app.register(brio, { onError: (error) => errors.push(error) });
      app.get("/", async () => {
        background(async () => {
          throw new Error("no mail today");
        });
        return "ok";
      });
      expect((await interruptible(app.inject("/"))).body).toBe("ok");
      await app.brio.whenIdle();
      expect((await interruptible(app.inject("/"))).body).toBe("ok");
      await app.close();
    });
    expect(errors).toEqual([new Error("no mail today"), new Error("no mail today")]);
  });

  it("need a request, or the server", async () => {
    await run(() => {
      expect(() => background(() => sleep(1))).toThrow("works in a request's task");
    });
  });
});

describe("without run", () => {
  it("the server brings a loop of its own, which ends with it", async () => {
    const app = fastify();
    await app.register(brio);
    app.get("/", async () => {
      await sleep(1);
      return "ok";
    });
    app.get("/slow", { config: { brio: { timeout: "10ms" } } }, () => sleepForever());
    expect((await app.inject("/")).body).toBe("ok");
    expect((await app.inject("/slow")).statusCode).toBe(503);
    await app.close();
    expect(app.brio.loop.isClosed()).toBe(true);
  });
});
