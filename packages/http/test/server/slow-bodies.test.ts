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

  it("does not hold up the end of the server for longer than drain", async () => {
    const site = { pages: { "/": () => "never" }, options: { drain: "100ms", grace: "100ms" } } as const;
    await serving(framework, site, async ({ port, tasks }) => {
      const told: string[] = [];
      getRunningLoop().setExceptionHandler((_loop, { message }) => void told.push(message));
      const slow = await interruptible(RawClient.connect(port));
      slow.send(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
      );
      while (tasks.statistics().requests === 0) await sleep(1);
      await tasks[Symbol.asyncDispose]();
      await interruptible(slow.end());
      expect(tasks.statistics()).toMatchObject({ requests: 0, connections: 0 });
      expect(told).toEqual([expect.stringContaining("the server ends without <RequestTask POST />")]);
    });
  });
});
