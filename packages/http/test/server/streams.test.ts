import type { ServerEvent } from "@brio/http/fastify";
import { Broadcast, Event, interruptible, sleep, sleepForever } from "brio";
import { describe, expect, it } from "vitest";
import { leavesNothing } from "../../../brio/test/left-behind.ts";
import { encodeEvent } from "../../src/server/event-stream.ts";
import { ask, RawClient } from "./clients.ts";
import { frameworks } from "./frameworks.ts";
import { serving } from "./serving.ts";

leavesNothing();

const PIECE = "x".repeat(64 * 1024);

describe.each(frameworks)("a stream on $name", (framework) => {
  it("is made piece by piece, in the task", async () => {
    const stream = async function* (): AsyncGenerator<string> {
      for (const piece of ["a", "b", "c"]) {
        await sleep(1);
        yield piece;
      }
    };
    await serving(framework, { streams: { "/": stream } }, async ({ port, tasks }) => {
      expect(await interruptible(ask(port, "/"))).toMatchObject({ status: 200, body: "abc", whole: true });
      await tasks.whenIdle();
    });
  });

  it("is made no faster than it is read; and no more of it, when the client leaves", async () => {
    let made = 0;
    const ended = new Event();
    const stream = async function* (): AsyncGenerator<string> {
      try {
        for (;;) {
          made++;
          yield PIECE;
          await sleep(0);
        }
      } finally {
        ended.set();
      }
    };
    await serving(framework, { streams: { "/": stream } }, async ({ port, tasks, errors }) => {
      const client = await interruptible(RawClient.connect(port));
      client.socket.pause();
      client.get("/");
      for (let before = -1; made === 0 || made > before; ) {
        before = made;
        await sleep(100); // it goes on for as long as there is room: until the sockets are full
      }
      expect(made).toBeLessThan(500); // of 64 KiB
      client.leave();
      await ended.wait();
      await tasks.whenIdle();
      expect(errors).toEqual([]);
    });
  });

  it("that fails before its first piece fails as a handler does", async () => {
    const stream = async function* (): AsyncGenerator<string> {
      await sleep(1);
      if (PIECE !== "") throw new RangeError("no");
      yield "never";
    };
    await serving(framework, { streams: { "/": stream } }, async ({ port, tasks, errors }) => {
      const answer = await interruptible(ask(port, "/"));
      expect(answer).toMatchObject({ status: 500, body: "RangeError" });
      expect(errors.length).toBe(1);
      await tasks.whenIdle();
    });
  });

  it("that fails later is cut off", async () => {
    const stream = async function* (): AsyncGenerator<string> {
      yield "half";
      await sleep(50);
      throw new RangeError("no");
    };
    await serving(framework, { streams: { "/": stream } }, async ({ port, tasks }) => {
      expect(await interruptible(ask(port, "/"))).toMatchObject({ status: 200, body: "half", whole: false });
      await tasks.whenIdle();
    });
  });
});

describe.each(frameworks)("a feed of events on $name", (framework) => {
  it("sends events as they come, without a time limit", async () => {
    const feed = async function* () {
      yield { data: "a\nb", event: "greeting", id: "1" };
      await sleep(60);
      yield { data: { n: 1 }, retry: "2s" } as const;
    };
    const site = { feeds: { "/": feed }, options: { timeout: "30ms" } } as const;
    await serving(framework, site, async ({ port, tasks }) => {
      const { headers, body, whole } = await interruptible(ask(port, "/"));
      expect(headers["content-type"]).toContain("text/event-stream");
      expect(headers["cache-control"]).toContain("no-cache");
      expect(body).toBe(':\n\nevent: greeting\nid: 1\ndata: a\ndata: b\n\nretry: 2000\ndata: {"n":1}\n\n');
      expect(whole).toBe(true);
      await tasks.whenIdle();
    });
  });

  it("sends a comment where there is nothing else to send", async () => {
    const feed = async function* () {
      yield { data: "one" };
      await sleepForever();
    };
    await serving(framework, { feeds: { "/": feed }, heartbeat: 10 }, async ({ port }) => {
      const client = await interruptible(RawClient.connect(port));
      client.get("/");
      await interruptible(client.until(":\n\n", 3));
      expect(client.received).toContain("data: one\n\n");
    });
  });

  it("whose client reads too slowly holds no more than its buffers: what it misses is told", async () => {
    const news = new Broadcast<string>({ capacity: 8 });
    const subscribed = new Event();
    const caughtUp = new Event();
    let taken = 0;
    let missed = 0;
    const feed = async function* (): AsyncGenerator<ServerEvent> {
      const subscription = news.subscribe();
      subscribed.set();
      for await (const item of subscription) {
        taken++;
        yield { data: item };
        missed = subscription.missed;
        if (item === "the last") caughtUp.set();
      }
    };
    await serving(framework, { feeds: { "/": feed } }, async ({ port }) => {
      const client = await interruptible(RawClient.connect(port));
      client.socket.pause();
      client.get("/");
      await subscribed.wait();
      for (let i = 0; i < 2000; i++) {
        await news.publish(PIECE);
        await sleep(0);
      }
      expect(taken).toBeLessThan(500);
      await news.publish("the last");
      client.socket.resume();
      await caughtUp.wait();
      expect(missed).toBeGreaterThan(1000);
      client.leave();
    });
  });

  it("ends, as a whole, when the server begins to stop", async () => {
    const ended = new Event();
    const feed = async function* (): AsyncGenerator<ServerEvent> {
      try {
        yield { data: "one" };
        await sleepForever();
      } finally {
        ended.set();
      }
    };
    await serving(framework, { feeds: { "/": feed } }, async ({ port, tasks }) => {
      const client = await interruptible(RawClient.connect(port));
      client.get("/");
      await interruptible(client.until("data: one"));
      tasks.close();
      await ended.wait();
      await tasks.waitClosed();
      expect(await interruptible(client.end())).toMatch(/\r\n0\r\n\r\n$/);
    });
  });
});

describe("an event", () => {
  it("can't be made to look like another one", () => {
    expect(encodeEvent({ data: "a\r\ndata: b\rc\n\nevent: evil" })).toBe(
      "data: a\ndata: data: b\ndata: c\ndata: \ndata: event: evil\n\n",
    );
    expect(() => encodeEvent({ event: "a\ndata: b" })).toThrow(
      "event of an event must be a text of one line",
    );
    expect(() => encodeEvent({ id: "a\0" })).toThrow("id of an event");
    expect(() => encodeEvent({ data: () => {} })).toThrow("what JSON can tell");
    expect(encodeEvent({ data: null })).toBe("data: null\n\n");
  });
});
