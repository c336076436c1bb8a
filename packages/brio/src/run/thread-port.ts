import { MessageChannel, type MessagePort } from "node:worker_threads";
import { CancelledError } from "../cancel/errors.ts";
import { linkSignal } from "../cancel/signal.ts";
import { RuntimeError } from "../loop/errors.ts";
import type { Task } from "../tasks/task.ts";
import type { EventLoop } from "./event-loop.ts";

/** What a loop lets other threads call, by name. Arguments and results are copied (structured clone). */
export type ThreadHandlers = Record<string, (...args: never[]) => unknown>;

type Request =
  | { type: "soon"; name: string; args: unknown[] }
  | { type: "run"; id: number; name: string; args: unknown[] }
  | { type: "cancel"; id: number; reason: unknown };

type Reply =
  | { id: number; type: "value"; value: unknown }
  | { id: number; type: "error"; error: unknown }
  | { id: number; type: "cancelled"; reason: unknown };

/**
 * Opens a door into `loop` for another thread. Functions can't be sent between threads, so the loop names what may be
 * called. Transfer the port to the worker, and use it there with {@link LoopProxy}.
 *
 * @example
 * ```ts
 * import { Worker } from "node:worker_threads";
 * import { Event, getRunningLoop, openThreadPort, run } from "brio";
 *
 * await run(async () => {
 *   const done = new Event();
 *   const port = openThreadPort(getRunningLoop(), { finished: () => done.set() });
 *   const code = `
 *     const { workerData } = require("node:worker_threads");
 *     import("brio").then(({ LoopProxy }) => new LoopProxy(workerData).callSoonThreadsafe("finished"));
 *   `;
 *   new Worker(code, { eval: true, workerData: port, transferList: [port] });
 *   await done.wait();
 * });
 * ```
 */
export function openThreadPort(loop: EventLoop, handlers: ThreadHandlers): MessagePort {
  const { port1: own, port2: theirs } = new MessageChannel();
  const tasks = new Map<number, Task<unknown>>();
  const handler = (name: string): ((...args: unknown[]) => unknown) => {
    if (!Object.hasOwn(handlers, name)) {
      const known = Object.keys(handlers).join(", ");
      throw new RangeError(`the loop has no handler "${name}" for other threads; it has: ${known}`);
    }
    return handlers[name] as (...args: unknown[]) => unknown; // the caller's types say which arguments
  };
  const reply = (message: Reply): void => {
    try {
      own.postMessage(message);
    } catch (error) {
      // What can't be copied must not leave the caller waiting.
      own.postMessage({ id: message.id, type: "error", error: new TypeError(String(error)) } satisfies Reply);
    }
  };
  own.on("message", (request: Request) => {
    if (loop.isClosed()) {
      own.close();
      return;
    }
    if (request.type === "cancel") {
      tasks.get(request.id)?.cancel(request.reason);
    } else if (request.type === "soon") {
      loop.callSoonThreadsafe(() => void handler(request.name)(...request.args));
    } else {
      const { id, name, args } = request;
      const task = loop.createTask(() => handler(name)(...args), { name: `${name} (for another thread)` });
      tasks.set(id, task);
      task.addDoneCallback(() => {
        tasks.delete(id);
        reply(outcome(id, task));
      });
    }
  });
  // It is the worker that keeps the process alive, not the door.
  own.unref();
  return theirs;
}

function outcome(id: number, task: Task<unknown>): Reply {
  try {
    return { id, type: "value", value: task.result() };
  } catch (error) {
    if (!(error instanceof CancelledError)) return { id, type: "error", error };
    return { id, type: "cancelled", reason: error.reason };
  }
}

/** The arguments that handler `N` of `H` takes. */
type Args<H extends ThreadHandlers, N extends keyof H> = Parameters<H[N]>;

/**
 * The other end of {@link openThreadPort}: calls into a loop that runs in another thread.
 *
 * @example
 * ```ts
 * import { getRunningLoop, LoopProxy, openThreadPort, run } from "brio";
 *
 * await run(async () => {
 *   const handlers = { add: async (a: number, b: number) => a + b };
 *   const port = openThreadPort(getRunningLoop(), handlers);
 *   // The following stands in the worker that the port was transferred to.
 *   const loop = new LoopProxy<typeof handlers>(port);
 *   console.log(await loop.runCoroutineThreadsafe("add", [1, 2])); // 3
 *   loop.close();
 * });
 * ```
 */
export class LoopProxy<H extends ThreadHandlers = ThreadHandlers> {
  private readonly port: MessagePort;
  private readonly calls = new Map<
    number,
    { resolve: (value: never) => void; reject: (error: unknown) => void }
  >();
  private lastId = 0;

  constructor(port: MessagePort) {
    this.port = port;
    port.on("message", (reply: Reply) => this.settle(reply));
    port.on("close", () => this.lost());
    port.unref();
  }

  /** Calls a handler in the loop, and does not wait for it. What it throws goes to that loop's exception handler. */
  callSoonThreadsafe<N extends keyof H & string>(name: N, ...args: Args<H, N>): void {
    this.send({ type: "soon", name, args });
  }

  /**
   * Runs a handler as a task of the loop, and gives its result.
   *
   * *Cancel safety*: `options.signal` cancels the task; the promise rejects with `CancelledError` when it has ended.
   *
   * @throws what the task throws; RuntimeError if the port is closed.
   */
  runCoroutineThreadsafe<N extends keyof H & string>(
    name: N,
    args: Args<H, N>,
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<Awaited<ReturnType<H[N]>>> {
    const id = ++this.lastId;
    return new Promise<Awaited<ReturnType<H[N]>>>((resolve, reject) => {
      if (this.calls.size === 0) this.port.ref();
      let unlink = (): void => {};
      const settled =
        <A>(then: (value: A) => void) =>
        (value: A): void => {
          unlink();
          then(value);
        };
      this.calls.set(id, { resolve: settled(resolve), reject: settled(reject) });
      this.send({ type: "run", id, name, args });
      if (options.signal !== undefined) {
        unlink = linkSignal(options.signal, (reason) => {
          this.send({
            type: "cancel",
            id,
            reason: reason instanceof Error ? reason.message : String(reason),
          });
        });
      }
    });
  }

  /** Closes the door. Calls that are under way fail. */
  close(): void {
    this.port.close();
  }

  private send(request: Request): void {
    this.port.postMessage(request);
  }

  private settle(reply: Reply): void {
    const call = this.calls.get(reply.id);
    if (call === undefined) return;
    this.calls.delete(reply.id);
    if (this.calls.size === 0) this.port.unref();
    if (reply.type === "value")
      call.resolve(reply.value as never); // the handler's own result
    else if (reply.type === "error") call.reject(reply.error);
    else call.reject(new CancelledError(reply.reason, "the loop's thread"));
  }

  private lost(): void {
    for (const { reject } of this.calls.values()) {
      reject(new RuntimeError("the event loop in the other thread has closed its port"));
    }
    this.calls.clear();
  }
}
