import {
  MessageChannel,
  type MessagePort,
  type ResourceLimits,
  receiveMessageOnPort,
  type Transferable,
  Worker,
  type WorkerOptions,
} from "node:worker_threads";
import { Claims } from "./claims.ts";
import type { WorkerEnd } from "./errors.ts";
import type { FromWorker, ToWorker, WorkerStart } from "./protocol.ts";
import { THREAD, type ThreadData, WORKER_URL } from "./worker.ts";
import type { HostListener, WorkerHost } from "./worker-host.ts";

/** How threads are started: Node's own options. */
export interface ThreadOptions {
  /** How much memory its heap may take, ... : see Node's `Worker`. Default: Node's. */
  readonly resourceLimits?: ResourceLimits | undefined;
  /** Its environment. Default: a copy of the program's. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Options of Node, such as `["--conditions=development"]`. Default: the program's. */
  readonly execArgv?: readonly string[] | undefined;
  /** Shown by debuggers and system tools. */
  readonly name?: string | undefined;
}

/** A worker thread. */
export class ThreadHost implements WorkerHost {
  readonly name: string;
  readonly claims: Claims = new Claims();
  private readonly worker: Worker;
  private readonly port: MessagePort;
  private cause: unknown = undefined;
  private killed = false;

  constructor(start: WorkerStart, options: ThreadOptions, listener: HostListener) {
    const { port1: own, port2: theirs } = new MessageChannel();
    const data: ThreadData = { port: theirs, memory: this.claims.memory, start, begun: false };
    this.port = own;
    this.worker = new Worker(new URL(WORKER_URL), {
      ...nodeOptions(options),
      workerData: { [THREAD]: data },
      transferList: [theirs],
    });
    this.name = `thread ${this.worker.threadId}`;
    own.on("message", (message: FromWorker) => listener.received(message));
    // What it has sent can't be read: nobody knows what it was.
    own.on("messageerror", (error: unknown) => {
      this.cause = error;
      this.kill();
    });
    this.worker.on("error", (error: unknown) => {
      this.cause = error;
    });
    this.worker.on("exit", (exitCode) => {
      // What it sent before it ended comes first.
      for (;;) {
        const message = receiveMessageOnPort(own)?.message as FromWorker | undefined; // a worker sends nothing else
        if (message === undefined) break;
        listener.received(message);
      }
      own.close();
      listener.ended(this.endWith(exitCode));
    });
    own.unref();
  }

  post(message: ToWorker, transfer?: readonly Transferable[]): void {
    this.port.postMessage(message, transfer);
    this.claims.ring();
  }

  keepAlive(wanted: boolean): void {
    if (wanted) this.worker.ref();
    else this.worker.unref();
  }

  kill(): void {
    this.killed = true;
    void this.worker.terminate();
  }

  private endWith(exitCode: number): WorkerEnd {
    const end = { worker: this.name, exitCode, signal: null };
    const { cause } = this;
    if ((cause as NodeJS.ErrnoException | undefined)?.code === "ERR_WORKER_OUT_OF_MEMORY")
      return { ...end, how: "out of memory", cause };
    if (this.killed) return { ...end, how: "stalled" };
    return cause === undefined ? { ...end, how: "exited" } : { ...end, how: "exited", cause };
  }
}

function nodeOptions({ resourceLimits, env, execArgv, name }: ThreadOptions): WorkerOptions {
  return {
    ...(resourceLimits === undefined ? {} : { resourceLimits }),
    ...(env === undefined ? {} : { env: env as NodeJS.ProcessEnv }), // it is only read
    ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
    ...(name === undefined ? {} : { name }),
  };
}
