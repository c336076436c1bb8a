import process from "node:process";
import { isMainThread, type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { Claims } from "./claims.ts";
import { serializeError } from "./error-data.ts";
import type { FromWorker, ToWorker, WorkerStart } from "./protocol.ts";
import { serve } from "./serve.ts";

/** This module, which is what a worker runs. (In what is published, it is a part of a larger one.) */
export const WORKER_URL: string = import.meta.url;

/** What a thread is told stands in its `workerData` under this name. */
export const THREAD = "brio:thread";

/** Set in the environment of a process that is to be a worker. */
export const PROCESS = "BRIO_WORKER_PROCESS";

export interface ThreadData {
  readonly port: MessagePort;
  readonly memory: SharedArrayBuffer;
  readonly start: WorkerStart;
  /** The worker may import several copies of brio: one of them serves. */
  begun: boolean;
}

function serveThread({ port, memory, start }: ThreadData): void {
  const end = serve(start, {
    claims: new Claims(memory),
    post: (message, transfer) => port.postMessage(message, transfer),
    listen: (listener) => port.on("message", listener),
    next: () => receiveMessageOnPort(port)?.message as ToWorker | undefined, // the pool sends nothing else
  });
  void end.then(() => process.exit(0));
}

function serveProcess(): void {
  delete process.env[PROCESS];
  // Ctrl-C goes to all processes of a terminal: what is to be done about it is for the program to say.
  process.on("SIGINT", () => {});
  // The program has ended, however it has.
  process.on("disconnect", () => process.exit(0));
  process.on("uncaughtExceptionMonitor", (error) => {
    process.send?.({ type: "dying", thrown: serializeError(error) } satisfies FromWorker);
  });
  const early: ToWorker[] = [];
  let listener = (message: ToWorker): void => void early.push(message);
  process.on("message", (message: ToWorker) => {
    if (message.type !== "start") {
      listener(message);
      return;
    }
    const end = serve(message.start, {
      claims: null,
      post: (reply) => void process.send?.(reply),
      listen: (serving) => {
        listener = serving;
        for (const each of early) serving(each);
      },
      next: null,
    });
    void end.then(() => process.exit(0));
  });
}

const thread = (workerData as { [THREAD]?: ThreadData } | null)?.[THREAD];
if (thread !== undefined && !isMainThread) {
  if (!thread.begun) {
    thread.begun = true;
    serveThread(thread);
  }
} else if (process.env[PROCESS] !== undefined && process.send !== undefined) {
  serveProcess();
}
