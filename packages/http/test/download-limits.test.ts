// How many downloads are under way: in all, and from one host.
import type { ServerResponse } from "node:http";
import { downloadAll } from "@brio/http/download";
import { createTask, run, sleep } from "brio";
import { expect, test } from "vitest";
import { leavesNothing } from "../../brio/test/left-behind.ts";
import { folder } from "./file-server.ts";
import { type Loopback, serveHttp } from "./loopback.ts";

leavesNothing();

/** Hosts that answer when they are told to, and what they were asked meanwhile. */
class Hosts implements AsyncDisposable {
  readonly servers: Loopback[] = [];
  private readonly waiting: { readonly host: number; readonly response: ServerResponse }[] = [];

  static async start(count: number): Promise<Hosts> {
    const hosts = new Hosts();
    for (let host = 0; host < count; host++) {
      hosts.servers.push(await serveHttp((_, response) => void hosts.waiting.push({ host, response })));
    }
    return hosts;
  }

  /** How many wait at each host, when no more come. */
  async settled(): Promise<number[]> {
    for (let before = -1; this.waiting.length !== before; ) {
      before = this.waiting.length;
      await sleep(50);
    }
    return this.servers.map((_, index) => this.waiting.filter(({ host }) => host === index).length);
  }

  answer(count: number): void {
    for (const { response } of this.waiting.splice(0, count)) response.end("content");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.servers) await server[Symbol.asyncDispose]();
  }
}

test.each([
  ["in all", { concurrency: 5, perHost: 100 }, 3, [5, 0, 0]],
  ["from one host", { concurrency: 100, perHost: 2 }, 3, [2, 2, 2]],
  ["both", { concurrency: 5, perHost: 2 }, 3, 5],
] as const)("as many as allowed, and no more: %s", async (_, limits, count, most) => {
  await run(async () => {
    await using hosts = await Hosts.start(count);
    const urls = hosts.servers.flatMap(({ url }) =>
      Array.from({ length: 6 }, (_, index) => `${url}/${index}`),
    );
    const task = createTask(() => downloadAll(urls, { directory: folder(), ...limits }));
    const seen: number[][] = [];
    while (!task.done()) {
      const now = await hosts.settled();
      if (now.some((waiting) => waiting > 0)) seen.push(now);
      hosts.answer(1);
    }
    const sums = seen.map((now) => now.reduce((sum, waiting) => sum + waiting, 0));
    if (typeof most === "number") expect(Math.max(...sums)).toBe(most);
    else expect(seen[0]).toEqual(most);
    expect(Math.max(...sums)).toBeLessThanOrEqual(limits.concurrency);
    expect(Math.max(...seen.flat())).toBeLessThanOrEqual(limits.perHost);
    expect((await task).filter(({ ok }) => ok).length).toBe(urls.length);
  });
});
