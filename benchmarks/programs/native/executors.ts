import { once } from "node:events";
import { Worker } from "node:worker_threads";
import * as work from "../executor-work.ts";
import { calls, computations, Made, moves, records, WORKERS } from "../executors.ts";
import type { Peer } from "../peer.ts";

/** What one writes by hand: a worker, messages with numbers, and a promise for each. */
class Thread {
  private readonly worker = new Worker(new URL("executor-worker.ts", import.meta.url));
  private readonly waiting = new Map<number, (value: number) => void>();
  private lastId = 0;

  constructor() {
    this.worker.on("message", ([id, value]: [id: number, value: number]) => {
      this.waiting.get(id)?.(value);
      this.waiting.delete(id);
    });
  }

  call(name: string, arg: unknown, transfer: readonly ArrayBuffer[] = []): Promise<number> {
    return new Promise((resolve) => {
      const id = ++this.lastId;
      this.waiting.set(id, resolve);
      this.worker.postMessage([id, name, arg], [...transfer]);
    });
  }

  async end(): Promise<void> {
    void this.worker.terminate();
    await once(this.worker, "exit");
  }
}

const threads = new Made<Thread>((thread) => thread.end());

/** One of so many, in turn. */
function next(n: number, count: number): Thread {
  return threads.get(String(n % count), () => new Thread());
}

let turn = 0;

const peer: Peer = {
  main: async (measurement) => {
    await measurement();
    await threads.endAll();
  },
  programs: {
    "thread-call": calls((n) => next(0, 1).call("double", n)),
    "thread-calls": calls((n) => next(n, WORKERS).call("double", n)),
    "thread-records": records((entries) => next(turn++, WORKERS).call("total", entries)),
    "thread-move": moves((bytes) => next(0, 1).call("lengthOf", bytes, [bytes.buffer])),
    compute: computations(work.primesBelow),
  },
};

export default peer;
