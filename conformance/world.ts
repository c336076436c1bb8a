/**
 * What one running scenario has: its trace, and the tables by which statements find the tasks,
 * groups, timeouts, callbacks, objects and variables that earlier statements made.
 */
import type { ContextVar, EventLoop, Future, Handle, Task, TaskGroup, Timeout } from "brio";
import { currentTask } from "brio";
import type { Kind, ObjectKinds, ObjectTable } from "./objects.ts";
import type { Block, CallbackBlock, Statement, SyncStatement } from "./scenario.ts";
import { format, formatError } from "./values.ts";

export type TraceEvent = readonly [time: number, event: string];
export type Trace = readonly TraceEvent[];

/**
 * The scenario cannot be continued. It flies through the scenario's own `catch` clauses, and every
 * later statement throws it again: what is left of the program unwinds at once.
 */
export class Abort extends Error {
  override name = "Abort";
}

/** The value of a `return` that is on its way out of its coroutine body. */
export interface Returning {
  readonly value: unknown;
}

/** What the statements mean; `statements.ts` provides it. */
export interface Language {
  /** A statement of a callback. */
  runSync(world: World, actor: string, statement: SyncStatement): void;
  /** A statement of a coroutine body; a promise only when it may wait. */
  run(
    world: World,
    actor: string,
    statement: Statement,
  ): Promise<Returning | undefined> | Returning | undefined;
}

/** More than any sensible scenario does; a nest of `repeat`s can ask for far more than a lifetime. */
const STATEMENT_LIMIT = 200_000;

export class World {
  readonly loop: EventLoop;
  readonly objects: ObjectTable;
  readonly trace: TraceEvent[] = [];

  readonly handles: Map<string, Future<unknown>> = new Map();
  readonly callbacks: Map<string, Handle> = new Map();
  readonly groups: Map<string, TaskGroup> = new Map();
  readonly timeouts: Map<string, Timeout> = new Map();
  readonly vars: Map<string, number> = new Map();
  readonly contextVars: Map<string, ContextVar<unknown>> = new Map();

  readonly #language: Language;
  readonly #labels: Map<string, number> = new Map();
  #statements = 0;
  #aborted: Abort | null = null;
  #closed = false;

  constructor(loop: EventLoop, objects: ObjectTable, language: Language) {
    this.loop = loop;
    this.objects = objects;
    this.#language = language;
  }

  log(actor: string, event: string): void {
    if (!this.#closed) this.trace.push([Math.trunc(this.loop.time()), `${actor} ${event}`]);
  }

  /** The trace ends with the root task, whatever the loop still does to close. */
  close(): void {
    this.#closed = true;
  }

  get aborted(): Abort | null {
    return this.#aborted;
  }

  abort(why: string): Abort {
    this.#aborted ??= new Abort(why);
    return this.#aborted;
  }

  /** Called before every statement and every turn of a `repeat`. */
  step(): void {
    if (this.#aborted !== null) throw this.#aborted;
    this.#statements += 1;
    if (this.#statements > STATEMENT_LIMIT)
      throw this.abort(`runaway: more than ${STATEMENT_LIMIT} statements`);
  }

  /** `x`, then `x~2`, `x~3`: a label is unique per execution. */
  unique(name: string): string {
    const n = (this.#labels.get(name) ?? 0) + 1;
    this.#labels.set(name, n);
    return n === 1 ? name : `${name}~${n}`;
  }

  /** A coroutine body: brio calls the thunk when it takes its first step. */
  coroutine(label: string, block: Block): () => Promise<unknown> {
    return async () => {
      this.log(label, "start");
      let returning: Returning | undefined;
      try {
        returning = await this.block(label, block);
      } catch (error) {
        this.log(label, `raise ${formatError(error)}`);
        throw error;
      }
      this.log(label, `return ${format(returning?.value)}`);
      return returning?.value ?? null;
    };
  }

  async block(actor: string, block: Block): Promise<Returning | undefined> {
    for (const statement of block) {
      this.step();
      const ran = this.#language.run(this, actor, statement);
      const returning = ran instanceof Promise ? await ran : ran;
      if (returning !== undefined) return returning;
    }
    return undefined;
  }

  callback(label: string, block: CallbackBlock): () => void {
    return () => {
      this.log(label, "run");
      for (const statement of block) {
        this.step();
        this.#language.runSync(this, label, statement);
      }
    };
  }

  find<K extends Kind>(kind: K, name: string): ObjectKinds[K] {
    return this.objects.find(kind, name) ?? this.#missing(name, `a ${kind}`);
  }

  findAcquirable(name: string): ObjectKinds["lock" | "semaphore" | "condition"] {
    return this.objects.findAcquirable(name) ?? this.#missing(name, "a lock, semaphore or condition");
  }

  #missing(name: string, wanted: string): never {
    throw this.abort(`${JSON.stringify(name)} is not ${wanted} of this scenario`);
  }

  /** Registers a handle and traces its completion. */
  adopt(name: string, future: Future<unknown>): void {
    this.handles.set(name, future);
    future.addDoneCallback((f) => this.log("*", `done ${name} ${this.state(f)}`));
  }

  /** A handle by name; a missing one is traced, except `$self` in a callback, which is nobody. */
  handle(actor: string, op: string, name: string): Future<unknown> | null {
    if (name === "$self") return currentTask();
    const handle = this.handles.get(name);
    if (handle === undefined) this.log(actor, `${op} ${name} ? nohandle`);
    return handle ?? null;
  }

  state(future: Future<unknown>): string {
    if (!future.done()) return "pending";
    if (future.cancelled()) return "cancelled";
    const error = future.exception();
    return error == null ? `value=${format(future.result())}` : `error=${formatError(error)}`;
  }

  /** Runs a synchronous action and traces its outcome; the error goes on. */
  attempt<T>(actor: string, description: string, act: () => T, showResult: "show result" | "quiet"): T {
    let result: T;
    try {
      result = act();
    } catch (error) {
      if (!(error instanceof Abort)) this.log(actor, `${description} ! ${formatError(error)}`);
      throw error;
    }
    this.log(actor, showResult === "quiet" ? description : `${description} -> ${format(result)}`);
    return result;
  }

  /** Awaits an action and traces its outcome; the error goes on. */
  async outcome<T>(actor: string, description: string, act: () => PromiseLike<T>): Promise<undefined> {
    let result: T;
    try {
      result = await act();
    } catch (error) {
      if (!(error instanceof Abort)) this.log(actor, `${description} ! ${formatError(error)}`);
      throw error;
    }
    this.log(actor, `${description} -> ${format(result)}`);
    return undefined;
  }
}

/** A task's name in the trace; names that the library made up are not compared. */
export function nameOf(task: Task<unknown>): string {
  const name = task.getName();
  return /^Task-\d+$/.test(name) ? "anon" : name;
}
