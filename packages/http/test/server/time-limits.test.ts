import { brio } from "@brio/http/fastify";
import { CancelledError, Event, interruptible, run, sleep, sleepForever, TimeoutError } from "brio";
import fastify from "fastify";
import { describe, expect, it } from "vitest";
import { leavesNothing } from "../../../brio/test/left-behind.ts";
import { ask } from "./clients.ts";
import { frameworks } from "./frameworks.ts";
import { serving } from "./serving.ts";

leavesNothing();

describe.each(frameworks)("a time limit on $name", (framework) => {
  it("that is over before the response began gives 503, and cancels the handler", async () => {
    let seen: unknown;
    const ended = new Event();
    const page = async (): Promise<string> => {
      try {
        await sleepForever();
      } catch (error) {
        seen = error;
        throw error;
      } finally {
        ended.set();
      }
      return "never";
    };
    await serving(
      framework,
      { pages: { "/": page }, options: { timeout: "20ms" } },
      async ({ port, errors }) => {
        const answer = await interruptible(ask(port, "/"));
        expect(answer).toMatchObject({ status: 503, body: "RequestTimeoutError", whole: true });
        await ended.wait();
        expect(seen).toBeInstanceOf(CancelledError);
        expect((seen as CancelledError).reason).toBeInstanceOf(TimeoutError);
        expect(errors).toEqual([
          expect.objectContaining({ message: expect.stringContaining("within 20 ms") }),
        ]);
      },
    );
  });

  it("can give 504 instead", async () => {
    const options = { timeout: 10, timeoutStatus: 504 } as const;
    await serving(framework, { pages: { "/": () => sleepForever() }, options }, async ({ port }) => {
      expect((await interruptible(ask(port, "/"))).status).toBe(504);
    });
  });

  it("of a path takes the place of the server's", async () => {
    const site = {
      pages: { "/quick": () => sleepForever(), "/slow": () => sleepForever() },
      limits: { "/quick": 10, "/slow": null },
      options: { timeout: "1h" },
    } as const;
    await serving(framework, site, async ({ port, tasks }) => {
      const left = ask(port, "/slow").catch(() => {});
      expect((await interruptible(ask(port, "/quick"))).status).toBe(503);
      expect(tasks.statistics().requests).toBe(1); // the other one has no limit
      await tasks[Symbol.asyncDispose]();
      await interruptible(left);
    });
  });

  it("that is over after the response began cuts the connection off", async () => {
    const ended = new Event();
    const stream = async function* (): AsyncGenerator<string> {
      try {
        yield "the first half";
        await sleepForever();
        yield "the second half";
      } finally {
        ended.set();
      }
    };
    await serving(
      framework,
      { streams: { "/": stream }, options: { timeout: 100 } },
      async ({ port, errors }) => {
        const answer = await interruptible(ask(port, "/"));
        expect(answer).toMatchObject({ status: 200, body: "the first half", whole: false });
        await ended.wait();
        expect(errors).toEqual([]);
      },
    );
  });

  it("answers also for a handler that ignores cancellation; its late answer is dropped", async () => {
    let release = (): void => {};
    const page = async (): Promise<string> => {
      await new Promise<void>((resolve) => {
        release = resolve; // not brio's: no cancellation gets in
      });
      return "late";
    };
    await serving(
      framework,
      { pages: { "/": page }, options: { timeout: 20 } },
      async ({ port, tasks, errors }) => {
        const answer = await interruptible(ask(port, "/"));
        expect(answer).toMatchObject({ status: 503, body: "RequestTimeoutError" });
        expect(tasks.statistics().requests).toBe(1);
        release();
        await tasks.whenIdle();
        expect(errors.length).toBe(1);
      },
    );
  });

  it("tells the server of what such a handler fails with later", async () => {
    const reported: unknown[] = [];
    let release = (_error: Error): void => {};
    const page = async (): Promise<string> => {
      await new Promise<void>((_resolve, reject) => {
        release = reject;
      });
      return "never";
    };
    const options = { timeout: 20, onError: (error: unknown) => reported.push(error) };
    await serving(framework, { pages: { "/": page }, options }, async ({ port, tasks, errors }) => {
      expect((await interruptible(ask(port, "/"))).status).toBe(503);
      release(new RangeError("too late"));
      await tasks.whenIdle();
      await sleep(0);
      expect(reported).toEqual([new RangeError("too late")]);
      expect(errors.length).toBe(1);
    });
  });

  it("is no limit for an answer in time", async () => {
    await serving(
      framework,
      { pages: { "/": () => "quick" }, options: { timeout: "1h" } },
      async ({ port }) => {
        expect(await interruptible(ask(port, "/"))).toMatchObject({ status: 200, body: "quick" });
      },
    );
  });
});

describe("a time limit on fastify", () => {
  it("is answered once, also where that takes its time", async () => {
    const logged: string[] = [];
    await run(async () => {
      const app = fastify({ logger: { level: "warn", stream: { write: (line) => void logged.push(line) } } });
      await app.register(brio, { timeout: 10 });
      app.setErrorHandler(async (error: Error, _request, reply) => {
        await new Promise((resolve) => setTimeout(resolve, 10)); // it runs outside of the task, which is cancelled
        return reply.code(503).send(error.name);
      });
      app.get("/", () => sleepForever());
      app.addHook("onSend", async (_request, _reply, payload) => {
        await new Promise((resolve) => setTimeout(resolve, 10));
        return payload;
      });
      const { statusCode } = await interruptible(app.inject("/"));
      expect(statusCode).toBe(503);
      await app.brio.whenIdle();
      await app.close();
    });
    expect(logged.filter((line) => line.includes("already sent"))).toEqual([]);
  });
});
