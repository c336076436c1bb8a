import type { Alarm } from "../loop/handle.ts";
import type { FunctionName } from "../run/loop-executor.ts";
import type { Call } from "./call.ts";
import type { ThrownData } from "./error-data.ts";
import { WorkerDiedError, type WorkerEnd } from "./errors.ts";
import {
  type FromWorker,
  ITEM,
  PROGRESS,
  type ToWorker,
  type WireCall,
  type WireReply,
  type WorkerStart,
} from "./protocol.ts";
import type { HostListener, WorkerHost } from "./worker-host.ts";

/** What a worker tells its pool. */
export interface WorkerOwner {
  host(start: WorkerStart, listener: HostListener): WorkerHost;
  readonly start: WorkerStart;
  /** It can take calls. */
  ready(worker: PoolWorker): void;
  /** It never will: its initializer failed. */
  unfit(worker: PoolWorker, thrown: ThrownData): void;
  /** A call is over. */
  over(call: Call): void;
  /** Some calls are over: it may have room for more. */
  relieved(worker: PoolWorker): void;
  /** It has ended. These calls had not been begun, or may be begun again. */
  ended(worker: PoolWorker, end: WorkerEnd, left: Call[]): void;
}

/*
 * A worker's states
 *
 *   starting ── ready ──> serving ── close ──> closing ── it has ended ──> ended
 *      │                     └── killed (a call that did not stop), or it died ──^
 *      └── its initializer failed, or it died ──────────────────────────────────^
 */
export type WorkerState = "starting" | "serving" | "closing" | "ended";

/** Milliseconds: calls are sent ahead to a busy worker for about so long. */
const AHEAD = 1;
/** And so many at most. */
const MOST_AHEAD = 32;
/** How many milliseconds a worker that was told to close may take. */
const PATIENCE = 5000;

/** A worker, as its pool sees it. */
export class PoolWorker implements HostListener {
  state: WorkerState = "starting";
  wasReady = false;
  /** Since when it has nothing to do, in loop time. */
  idleSince = 0;
  /** When it last said something of its calls. */
  heardAt = 0;
  readonly host: WorkerHost;
  private readonly owner: WorkerOwner;
  /** What it has been sent and has not answered, in the order in which it begins them. */
  private readonly calls = new Map<number, Call>();
  /** Those that can't have reached it. */
  private readonly unbegun = new Set<Call>();
  private readonly known = new Map<string, number>();
  private lastId = 0;
  /** How long a call takes here, in milliseconds, of late. */
  private pace = AHEAD;
  /** The call that it has been told to end, and when it is ended itself. */
  private stopping: Call | null = null;
  private alarm: Alarm | null = null;
  private awake = true;

  constructor(owner: WorkerOwner) {
    this.owner = owner;
    this.host = owner.host(owner.start, this);
  }

  get busy(): boolean {
    return this.calls.size > 0;
  }

  /** How many more calls it should be sent now. */
  get room(): number {
    if (this.state !== "serving") return 0;
    const { size } = this.calls;
    if (this.host.claims === null) return size === 0 ? 1 : 0;
    // One that is being stopped may take its worker with it.
    if (this.stopping !== null) return 0;
    return 1 + Math.min(MOST_AHEAD, Math.floor(AHEAD / this.pace)) - size;
  }

  // -- sending -----------------------------------------------------------------------------------------

  /** Sends calls; gives back those whose arguments can't be copied, with the reason. */
  send(calls: readonly Call[]): void {
    const functions: FunctionName[] = [];
    const wired = calls.map((call) => this.wire(call, functions));
    if (!this.awake) this.keepAlive(true);
    const only = calls.length === 1 ? calls[0] : undefined;
    const message: ToWorker = {
      type: "calls",
      functions: functions.length > 0 ? functions : undefined,
      calls: wired,
    };
    try {
      this.host.post(message, only?.options.transfer);
    } catch (error) {
      if (functions.length > 0) this.host.post({ type: "calls", functions, calls: [] });
      if (only !== undefined) this.refuse(only, error);
      else for (const [index, call] of calls.entries()) this.sendAlone(call, wired[index] as WireCall); // one for each
    }
  }

  private sendAlone(call: Call, wired: WireCall): void {
    try {
      this.host.post({ type: "calls", functions: undefined, calls: [wired] }, call.options.transfer);
    } catch (error) {
      this.refuse(call, error);
    }
  }

  private wire(call: Call, functions: FunctionName[]): WireCall {
    const { fn, args, extras } = call;
    const key = `${fn.module}\0${fn.exportName}`;
    let index = this.known.get(key);
    if (index === undefined) {
      index = this.known.size;
      this.known.set(key, index);
      functions.push({ module: fn.module, exportName: fn.exportName, id: fn.id });
    }
    const id = ++this.lastId;
    this.host.claims?.offer(id);
    this.calls.set(id, call);
    call.sent(this, id);
    return [id, index, args, extras];
  }

  /** Its arguments can't be copied. */
  private refuse(call: Call, error: unknown): void {
    this.calls.delete(call.id);
    call.lost(uncopied(call, error));
    this.owner.over(call);
    this.rest();
  }

  /** Takes back calls that it has not begun; at most so many, the last ones first. */
  takeBackSome(count: number): Call[] {
    const taken: Call[] = [];
    for (const call of [...this.calls.values()].reverse()) {
      if (taken.length >= count || !this.takeBack(call)) break;
      call.takenBack();
      taken.push(call);
    }
    return taken.reverse();
  }

  /** True if it had not begun this call, and won't. */
  takeBack(call: Call): boolean {
    if (this.host.claims?.revoke(call.id) !== true) return false;
    this.calls.delete(call.id);
    return true;
  }

  /** How many calls wait behind the one that it runs. */
  get ahead(): number {
    return Math.max(0, this.calls.size - 1);
  }

  /** Tells it that a call which it has begun is cancelled. It has a while to end that; then it is ended itself. */
  stop(call: Call, reason: unknown): void {
    const { grace } = call.options;
    this.host.claims?.stop(call.id);
    try {
      this.host.post({ type: "cancel", id: call.id, reason });
    } catch {
      this.host.post({ type: "cancel", id: call.id, reason: String(reason) });
    }
    this.stopping = call;
    if (grace === null) return;
    this.alarm = call.loop.alarm(call.loop.time() + grace, () => this.host.kill());
  }

  addCredit(call: Call, items: number): void {
    if (call.worker === this) this.host.post({ type: "credit", id: call.id, items });
  }

  // -- what it says ------------------------------------------------------------------------------------

  received(message: FromWorker): void {
    if (message.type === "replies") {
      this.heardAt = performance.now();
      this.settleAll(message.replies, message.took);
    } else if (message.type === "ready") {
      this.wasReady = true;
      if (this.state === "starting") this.state = "serving";
      this.owner.ready(this);
      this.rest();
    } else if (message.type === "unfit") {
      this.owner.unfit(this, message.thrown);
    }
  }

  unsent(message: ToWorker): void {
    if (message.type !== "calls") return;
    for (const [id] of message.calls) {
      const call = this.calls.get(id);
      if (call !== undefined) this.unbegun.add(call);
    }
  }

  /** Who waits for the calls that are over runs there and then. */
  private settleAll(replies: readonly WireReply[], took: number): void {
    const [first] = replies;
    const loop = first === undefined ? undefined : this.calls.get(first[0])?.loop;
    const entered = loop?.enter() === true;
    try {
      this.settle(replies, took);
    } finally {
      if (entered) loop?.leave();
    }
  }

  private settle(replies: readonly WireReply[], took: number): void {
    let ended = 0;
    for (const reply of replies) {
      const call = this.calls.get(reply[0]);
      if (call === undefined) continue; // killed at the same moment
      if (reply[1] !== PROGRESS && reply[1] !== ITEM) {
        this.calls.delete(reply[0]);
        ended++;
      }
      call.replied(reply);
      if (call.worker === null) this.owner.over(call);
    }
    if (ended === 0) return;
    if (took > 0) this.pace = 0.7 * this.pace + 0.3 * (took / ended);
    if (this.stopping?.worker === null) {
      this.stopping = null;
      this.alarm?.cancel();
    }
    this.owner.relieved(this);
    this.rest();
  }

  private rest(): void {
    // One that is told to end is waited for.
    if (this.calls.size > 0 || !this.awake || this.state !== "serving") return;
    this.keepAlive(false);
  }

  private keepAlive(wanted: boolean): void {
    this.awake = wanted;
    this.host.keepAlive(wanted);
  }

  // -- its end -----------------------------------------------------------------------------------------

  /** It is not needed any more. It has no calls. */
  close(): void {
    if (this.state === "closing" || this.state === "ended") return;
    this.state = "closing";
    this.keepAlive(true);
    this.host.post({ type: "close" });
    const timer = setTimeout(() => this.host.kill(), PATIENCE);
    timer.unref();
    this.patience = timer;
  }

  private patience: NodeJS.Timeout | null = null;

  ended(end: WorkerEnd): void {
    const before = this.state;
    this.state = "ended";
    this.alarm?.cancel();
    if (this.patience !== null) clearTimeout(this.patience);
    const left: Call[] = [];
    for (const call of [...this.calls.values()]) {
      if (this.unbegun.has(call) || this.takeBack(call)) {
        call.takenBack();
        left.push(call);
        continue;
      }
      this.lostCall = true;
      call.attempts++;
      this.calls.delete(call.id);
      if (call.mayTryAgain) {
        call.takenBack();
        left.push(call);
      } else {
        call.lost(new WorkerDiedError(call.fn.id, end, call.attempts));
        this.owner.over(call);
      }
    }
    this.endedIn = before;
    this.owner.ended(this, end, left);
  }

  /** Did it end while it ran a call? */
  lostCall = false;
  /** The state in which it ended. */
  endedIn: WorkerState = "ended";

  toString(): string {
    return this.host.name;
  }
}

function uncopied(call: Call, error: unknown): TypeError {
  const why = error instanceof Error ? error.message : String(error);
  // What is moved can't be copied for a try.
  const which = call.options.transfer === undefined ? call.args.findIndex((arg) => !copies(arg)) : -1;
  const what =
    which >= 0
      ? `argument ${which + 1}`
      : call.extras?.variables === undefined
        ? "an argument"
        : "a carried context variable";
  return new TypeError(`${what} of ${call.fn.id} can't be copied: ${why}`, { cause: error });
}

function copies(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}
