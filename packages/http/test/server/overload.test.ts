import { brio } from "@brio/http/fastify";
import { Event, interruptible, run, sleep } from "brio";
import fastify from "fastify";
import { describe, expect, it } from "vitest";
import { leavesNothing } from "../../../brio/test/left-behind.ts";
import { ask, RawClient } from "./clients.ts";
import { frameworks } from "./frameworks.ts";
import { serving } from "./serving.ts";

leavesNothing();

describe.each(frameworks)("too many requests on $name", (framework) => {
  it("are refused with 503 and Retry-After, but not those of health checks; and taken again afterwards", async () => {
    const entered = new Event();
    const goOn = new Event();
    let count = 0;
    const page = async (): Promise<string> => {
      if (++count === 2) entered.set();
      await goOn.wait();
      return "ok";
    };
    const options = { maxRequests: 2, retryAfter: "1500ms", exempt: ["/health"] } as const;
    const pages = { "/": page, "/health": () => "alive" };
    await serving(framework, { pages, options }, async ({ port, tasks }) => {
      const two = Promise.all([ask(port, "/"), ask(port, "/")]);
      await entered.wait();
      const refused = await interruptible(ask(port, "/?more"));
      expect(refused).toMatchObject({ status: 503, body: "ServiceUnavailableError" });
      expect(refused.headers["retry-after"]).toBe("2");
      expect((await interruptible(ask(port, "/health?deep=1"))).body).toBe("alive");
      expect(tasks.statistics()).toMatchObject({ requests: 2, refused: 1 });
      goOn.set();
      expect((await interruptible(two)).map(({ status }) => status)).toEqual([200, 200]);
      await tasks.whenIdle();
      expect((await interruptible(ask(port, "/"))).status).toBe(200);
    });
  });

  it("are refused while the event loop is late", async () => {
    const entered = new Event();
    const page = (): string => {
      const until = performance.now() + 300;
      while (performance.now() < until); // it blocks the loop
      entered.set();
      return "slow";
    };
    const options = { maxLag: 100, exempt: ["/health"] } as const;
    const pages = { "/block": page, "/": () => "ok", "/health": () => "alive" };
    await serving(framework, { pages, options }, async ({ port, tasks }) => {
      const clients = await interruptible(Promise.all(["", "", ""].map(() => RawClient.connect(port))));
      const [blocker, other, health] = clients as [RawClient, RawClient, RawClient];
      blocker.get("/block");
      await entered.wait();
      // The loop is late by now, and has not looked yet.
      other.get("/");
      health.get("/health");
      await interruptible(other.until("ServiceUnavailableError"));
      await interruptible(health.until("alive"));
      expect(tasks.statistics().refused).toBe(1);
      while (tasks.statistics().lag > 100) await sleep(5);
      other.get("/");
      await interruptible(other.until("\r\n\r\nok"));
    });
  });
});

describe("bad options", () => {
  it.each([
    [{ maxRequests: 0 }, "maxRequests must be a whole number > 0; got 0"],
    [{ timeoutStatus: 500 }, "timeoutStatus must be 503 or 504; got 500"],
    [{ timeout: 0 }, "timeout must be longer than 0"],
    [{ exempt: "/health" }, 'exempt must be paths, such as ["/health", "/ready"]'],
    [{ service: {} }, "service must be what serve() gives its body"],
    [{ onError: "log" }, "onError must be a function"],
    [{ lifespan: async () => {} }, "lifespan must be an async generator function"],
    [{ lifespan: async function* () {} }, "must yield once"],
  ])("%o are refused, by name", async (options, message) => {
    await run(async () => {
      const app = fastify();
      await expect(interruptible(app.register(brio, options as never))).rejects.toThrow(message);
    });
  });
});
