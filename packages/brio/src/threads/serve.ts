import process from "node:process";
import { serialize } from "node:v8";
import type { Transferable } from "node:worker_threads";
import { CancelledError } from "../cancel/errors.ts";
import { requireScope, type Scope } from "../cancel/scope.ts";
import type { Loop } from "../loop/loop.ts";
import type { FunctionName } from "../run/loop-executor.ts";
import { run } from "../run/run.ts";
import { Event } from "../sync/event.ts";
import { Watcher } from "../tasks/listeners.ts";
import type { Task } from "../tasks/task.ts";
import { transfersOf } from "./call-context.ts";
import type { Claims } from "./claims.ts";
import { serializeError } from "./error-data.ts";
import { ResultTooLargeError } from "./errors.ts";
import { becomeWorker, loadedFunction, loadFunction } from "./load-function.ts";
import {
  CANCELLED,
  ERROR,
  type FromWorker,
  PROGRESS,
  type ToWorker,
  UNCOPIED,
  VALUE,
  VALUE_AFTER_ALL,
  type WireCall,
  type WireReply,
  type WorkerStart,
} from "./protocol.ts";
import { startCall } from "./run-call.ts";
import { ServedCall } from "./served-call.ts";

/** How a worker hears from its pool, and answers. */
export interface Channel {
  readonly claims: Claims | null;
  /** @throws what structured clone throws. */
  post(message: FromWorker, transfer?: readonly Transferable[]): void;
  listen(listener: (message: ToWorker) => void): void;
  /** Takes a message that has come already; null if that can't be done. */
  readonly next: (() => ToWorker | undefined) | null;
}

/** Serves a pool, in a thread or a process of its own, until it is told to end. */
export async function serve(start: WorkerStart, channel: Channel): Promise<void> {
  becomeWorker();
  const main = async (): Promise<void> => {
    const server = new Server(start, channel, requireScope("serve()"));
    try {
      if (start.initializer !== undefined) await server.initialize(start.initializer, start.initializerArgs);
    } catch (error) {
      channel.post({ type: "unfit", thrown: serializeError(error) });
      return;
    }
    server.begin();
    await server.closed.wait();
  };
  await run(main, { handleSignals: false, name: "worker" });
}

/** Milliseconds for which an idle thread waits for its next call before it lets Node's own events have their turn. */
const LINGER = 10;
/** Milliseconds after which they have it in any case. */
const LONGEST = 20;
/** Milliseconds for which results are held back to be sent together with others. */
const HOLD = 0.5;

class Server {
  readonly closed: Event = new Event();
  private readonly channel: Channel;
  private readonly scope: Scope;
  private readonly loop: Loop;
  private readonly maxResultBytes: number | undefined;
  private readonly functions: FunctionName[] = [];
  private waiting: WireCall[] = [];
  private current: ServedCall | null = null;
  private replies: WireReply[] = [];
  private transfers: Transferable[] = [];
  private busySince = 0;
  private heldSince = 0;
  private flushing = false;
  private pumping = false;

  constructor(start: WorkerStart, channel: Channel, scope: Scope) {
    this.channel = channel;
    this.scope = scope;
    this.loop = scope.loop;
    this.maxResultBytes = start.maxResultBytes;
  }

  async initialize(name: FunctionName, args: readonly unknown[]): Promise<void> {
    await startCall(this.loop, await loadFunction(name), args, { name: name.id });
  }

  begin(): void {
    const { channel } = this;
    channel.listen((message) => {
      this.receive(message);
      this.linger();
    });
    if (channel.next !== null) this.loop.idleListeners.add(() => this.linger());
    channel.post({ type: "ready" });
  }

  private receive(message: ToWorker): void {
    switch (message.type) {
      case "calls":
        if (message.functions !== undefined) this.functions.push(...message.functions);
        if (this.waiting.length === 0) this.waiting = message.calls;
        else this.waiting.push(...message.calls);
        this.pump();
        break;
      case "cancel":
        if (this.current?.id === message.id) this.current.cancel(message.reason);
        break;
      case "credit":
        if (this.current?.id === message.id) this.current.addCredit(message.items);
        break;
      case "close":
        this.closed.set();
        break;
      case "start":
        break; // it has
    }
  }

  // -- calls, one at a time ----------------------------------------------------------------------------

  private pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    while (this.current === null) {
      const call = this.waiting.shift();
      if (call === undefined) {
        // Results of several calls are best sent together: is more of them here already?
        const message = this.replies.length > 1 ? this.channel.next?.() : undefined;
        if (message === undefined) break;
        this.receive(message);
        continue;
      }
      const [id] = call;
      if (this.channel.claims?.take(id) === false) continue;
      if (this.busySince === 0) this.busySince = performance.now();
      this.start(call);
    }
    this.pumping = false;
    if (this.current === null) this.flush();
    else if (this.replies.length > 0) this.flushSoon();
  }

  private start([id, index, args, extras]: WireCall): void {
    const name = this.functions[index] as FunctionName; // the pool has told it before
    const call = new ServedCall(id, name.id, this.channel.claims, extras, (reply) => this.tell(reply));
    this.current = call;
    const loaded = loadedFunction(name);
    const task = call.begin(this.scope, loaded ?? (() => loadFunction(name)), loaded !== undefined, args);
    if (task.done()) this.ended(call, task);
    else task.observe(new Watcher(() => this.resumeAfter(call, task), null));
  }

  private resumeAfter(call: ServedCall, task: Task<unknown>): void {
    this.ended(call, task);
    this.pump();
  }

  private ended(call: ServedCall, task: Task<unknown>): void {
    this.current = null;
    this.reply(this.outcome(call, task));
    if (this.heldSince === 0) this.heldSince = performance.now();
    else if (performance.now() - this.heldSince > HOLD) this.flush();
  }

  private outcome({ id, name, asked }: ServedCall, task: Task<unknown>): WireReply {
    try {
      const value = task.result();
      if (this.maxResultBytes !== undefined) checkSize(value, name, this.maxResultBytes);
      const list = transfersOf(value);
      if (list !== undefined) this.transfers.push(...list);
      return [id, asked ? VALUE_AFTER_ALL : VALUE, value];
    } catch (error) {
      return [id, error instanceof CancelledError ? CANCELLED : ERROR, serializeError(error)];
    }
  }

  // -- replies -----------------------------------------------------------------------------------------

  private reply(reply: WireReply): void {
    this.replies.push(reply);
  }

  /** Sends something at once: progress, an item. What can't be copied is the function's mistake: it is told. */
  private tell(reply: WireReply): void {
    this.flush();
    try {
      this.channel.post({ type: "replies", replies: [reply], took: 0 }, transfersOf(reply[2]));
    } catch (error) {
      const what = reply[1] === PROGRESS ? "progress" : "an item";
      throw new TypeError(`${what} of ${this.current?.name} can't be copied: ${(error as Error).message}`, {
        cause: error,
      }); // what structured clone throws
    }
  }

  /** When the running call waits for something real. */
  private flushSoon(): void {
    if (this.flushing) return;
    this.flushing = true;
    process.nextTick(() => {
      this.flushing = false;
      this.flush();
    });
  }

  private flush(): void {
    const { replies, transfers } = this;
    if (replies.length === 0) return;
    this.replies = [];
    this.transfers = [];
    this.heldSince = 0;
    const now = performance.now();
    const took = now - this.busySince;
    this.busySince = this.current === null ? 0 : now;
    try {
      this.channel.post({ type: "replies", replies, took }, transfers);
    } catch {
      for (const reply of replies) this.send(reply);
    }
  }

  private send(reply: WireReply): void {
    const [id, , value] = reply;
    try {
      this.channel.post({ type: "replies", replies: [reply], took: 0 }, transfersOf(value));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.channel.post({ type: "replies", replies: [[id, UNCOPIED, why]], took: 0 });
    }
  }

  // -- between calls -----------------------------------------------------------------------------------

  /**
   * A thread that has nothing to do waits a moment for its next call in a way that costs less than Node's events, if
   * nothing else can be under way here.
   */
  private linger(): void {
    const { claims, next } = this.channel;
    if (claims === null || next === null) return;
    const until = performance.now() + LONGEST;
    while (this.quiet && performance.now() < until) {
      const seen = claims.rung;
      let message = next();
      if (message === undefined) {
        if (!claims.listen(seen, LINGER)) return;
        message = next();
      }
      while (message !== undefined) {
        this.receive(message);
        message = next();
      }
    }
  }

  private get quiet(): boolean {
    const { loop } = this;
    return (
      this.current === null &&
      !this.closed.isSet() &&
      loop.idle &&
      !loop.timersPending &&
      loop.firstTask === loop.lastTask
    );
  }
}

function checkSize(value: unknown, id: string, limit: number): void {
  const bytes = serialize(value).byteLength;
  if (bytes > limit) throw new ResultTooLargeError(id, bytes, limit);
}
