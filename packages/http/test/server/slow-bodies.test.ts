// Clients that send their bodies byte by byte, to hold connections and handlers for as long as they like.
import { getRunningLoop, interruptible, sleep } from "brio";
import { describe, expect, it } from "vitest";
import { leavesNothing } from "../../../brio/test/left-behind.ts";
import { ask, RawClient } from "./clients.ts";
import { frameworks } from "./frameworks.ts";
import { serving } from "./serving.ts";

leavesNothing();

describe.each(frameworks)("a client that sends its body byte by byte, on $name", (framework) => {
  it("is answered when the time is over, and its handler is not called", async () => {
    let handled = 0;
    const page = (): string => {
      handled++;
      return "never";
    };
    const site = { pages: { "/": page }, options: { timeout: "150ms" as const, onError: () => {} } };
    await serving(framework, site, async ({ port, tasks }) => {
      const slow = await interruptible(RawClient.connect(port));
      const head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
      slow.send(`${head}Content-Length: 1000\r\n\r\n{"a": "`);
      while (!slow.received.includes("\r\n\r\n") && !slow.socket.closed) {
        if (slow.socket.writable) slow.send("a");
        await sleep(20);
      }
      expect(slow.received).toMatch(/^HTTP\/1\.1 503 /);
      slow.leave();
      await tasks.whenIdle();
      expect(handled).toBe(0);
      expect((await interruptible(ask(port, "/"))).body).toBe("never"); // others are served
    });
  });

  it("is answered when the server ends, and does not hold that up for longer than drain", async () => {
    const page = { pages: { "/": () => "never" } };
    const site = { ...page, options: { drain: "100ms", grace: "5s", retryAfter: "7s" } } as const;
    await serving(framework, site, async ({ port, tasks, errors }) => {
      const told: unknown[] = [];
      getRunningLoop().setExceptionHandler((_loop, context) => void told.push(context));
      const slow = await interruptible(RawClient.connect(port));
      slow.send(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
      );
      while (tasks.statistics().requests === 0) await sleep(1);
      await tasks.stop();
      const answer = await interruptible(slow.end());
      expect(answer).toMatch(/^HTTP\/1\.1 503 /);
      expect(answer).toMatch(/\r\nretry-after: 7\r\n/i);
      expect(answer).toMatch(/\r\nconnection: close\r\n/i);
      expect(answer).toMatch(/ServiceUnavailableError$/);
      expect(tasks.statistics()).toMatchObject({ requests: 0, connections: 0 });
      expect(errors.map((error) => (error as Error).name)).toEqual(["ServiceUnavailableError"]);
      expect(told).toEqual([]);
    });
  });
});
