import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import type { AddressInfo } from "node:net";
import { brio } from "@brio/http/fastify";
import { Event, interruptible, run, sleep, sleepForever } from "brio";
import fastify from "fastify";
import { describe, expect, it } from "vitest";
import { leavesNothing } from "../../../brio/test/left-behind.ts";

leavesNothing();

async function bodyOf(stream: ClientHttp2Stream): Promise<string> {
  let text = "";
  stream.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  await once(stream, "end");
  return text;
}

describe("over HTTP/2", () => {
  it("a request is a task that ends with its stream, and the end of the server lets it end", async () => {
    const events: string[] = [];
    const entered = new Event();
    const cancelled = new Event();
    await run(async () => {
      const app = fastify({ http2: true });
      await app.register(brio);
      app.get("/", async (_request, reply) => {
        reply.send("first");
        await sleep(20); // after the answer
        events.push("not cancelled");
        return reply;
      });
      app.get("/for-ever", async () => {
        entered.set();
        try {
          await sleepForever();
        } finally {
          cancelled.set();
        }
      });
      app.get("/slow", async () => {
        entered.set();
        return await sleep(300, "slow"); // longer than idle connections are kept
      });
      await interruptible(app.listen({ port: 0, host: "127.0.0.1" }));
      const { port } = app.server.address() as AddressInfo;
      const session: ClientHttp2Session = connect(`http://127.0.0.1:${port}`);

      expect(await interruptible(bodyOf(session.request({ ":path": "/" })))).toBe("first");
      await app.brio.whenIdle();
      expect(events).toEqual(["not cancelled"]);

      const left = session.request({ ":path": "/for-ever" });
      await entered.wait();
      left.close();
      await cancelled.wait();
      await app.brio.whenIdle();

      entered.clear();
      const slow = bodyOf(session.request({ ":path": "/slow" }));
      await entered.wait();
      app.brio.close();
      expect(await interruptible(slow)).toBe("slow");
      await app.brio.waitClosed();
      await app.close();
    });
  });
});
