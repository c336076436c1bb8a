import { Worker } from "node:worker_threads";
import {
  type CancelledError,
  Event,
  getRunningLoop,
  openThreadPort,
  Queue,
  run,
  sleep,
  sleepForever,
  type ThreadHandlers,
} from "brio";
import { describe, expect, it } from "vitest";

/** Runs `body` (with `proxy` in reach) in a worker thread, against a door into the running loop. */
function inWorker(handlers: ThreadHandlers, body: string): Worker {
  const port = openThreadPort(getRunningLoop(), handlers);
  const source = new URL("../../src/index.ts", import.meta.url).href;
  const code = `
    const { workerData } = require("node:worker_threads");
    import(${JSON.stringify(source)}).then(async ({ LoopProxy, CancelledError }) => {
      const proxy = new LoopProxy(workerData);
      ${body}
    });
  `;
  return new Worker(code, { eval: true, workerData: port, transferList: [port] });
}

describe("openThreadPort", () => {
  it("lets a worker thread call into the loop, in order", async () => {
    await run(
      async () => {
        const items = new Queue<number>();
        inWorker(
          { item: (n: number) => items.putNowait(n) },
          `for (let i = 0; i < 3; i++) proxy.callSoonThreadsafe("item", i);`,
        );
        expect([await items.get(), await items.get(), await items.get()]).toEqual([0, 1, 2]);
      },
      { handleSignals: false },
    );
  });

  it("runs a coroutine of the loop for a worker, and gives it the result or the error", async () => {
    await run(
      async () => {
        const results = new Queue<string>();
        inWorker(
          {
            double: async (n: number) => await sleep(1, n * 2),
            fail: async () => {
              throw new TypeError("no good");
            },
            uncopyable: async () => () => {},
            report: (text: string) => results.putNowait(text),
          },
          `
            const report = (text) => proxy.callSoonThreadsafe("report", text);
            report("value " + await proxy.runCoroutineThreadsafe("double", [21]));
            for (const name of ["fail", "missing", "uncopyable"]) {
              await proxy.runCoroutineThreadsafe(name, []).catch((error) => report(error.name + ": " + error.message));
            }
          `,
        );
        expect(await results.get()).toBe("value 42");
        expect(await results.get()).toBe("TypeError: no good");
        expect(await results.get()).toMatch(
          /^RangeError: the loop has no handler "missing" .* double, fail, uncopyable, report$/,
        );
        expect(await results.get()).toMatch(/^TypeError: DataCloneError/);
      },
      { handleSignals: false },
    );
  });

  it("cancels the loop's task when the worker aborts", async () => {
    await run(
      async () => {
        const [begun, ended] = [new Event(), new Queue<string>()];
        inWorker(
          {
            hang: async () => {
              begun.set();
              await sleepForever().catch((error: CancelledError) => {
                ended.putNowait(`task: ${String(error.reason)}`);
                throw error;
              });
            },
            begun: () => begun.wait(),
            report: (text: string) => ended.putNowait(text),
          },
          `
            const controller = new AbortController();
            const call = proxy.runCoroutineThreadsafe("hang", [], { signal: controller.signal });
            await proxy.runCoroutineThreadsafe("begun", []);
            controller.abort(new Error("enough"));
            await call.catch((error) => proxy.callSoonThreadsafe("report", "worker: " + (error instanceof CancelledError)));
          `,
        );
        expect(await ended.get()).toBe("task: enough");
        expect(await ended.get()).toBe("worker: true");
      },
      { handleSignals: false },
    );
  });

  it("fails a worker's calls when the loop has closed", async () => {
    let worker: Worker | undefined;
    await run(
      async () => {
        const begun = new Event();
        const hang = async (): Promise<void> => {
          begun.set();
          await sleepForever();
        };
        worker = inWorker(
          { hang },
          `
            const end = (error) => { process.exitCode = error.constructor.name === "CancelledError" ? 7 : 8; proxy.close(); };
            await proxy.runCoroutineThreadsafe("hang", []).catch(end);
          `,
        );
        await begun.wait();
      },
      { handleSignals: false },
    );
    const code = await new Promise((resolve) => worker?.once("exit", resolve));
    expect(code).toBe(7);
  });
});
