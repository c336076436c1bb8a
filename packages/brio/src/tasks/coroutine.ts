import { inspect } from "node:util";
import { ambient } from "../loop/ambient.ts";
import { RuntimeError } from "../loop/errors.ts";
import { debugging, noteOrigin, originOf } from "../loop/origins.ts";
import type { Future } from "./future.ts";

/** What a task can be made of: a coroutine, or a function that makes the promise when it is called. */
export type Source<T> = Coroutine<T> | (() => PromiseLike<T> | T);

const NONE: readonly unknown[] = [];

/**
 * A cold awaitable: the call of a function that has not begun. `await` it to run it inline, in the awaiting task,
 * or hand it to `createTask`, `gather`, `taskGroup`, ... to run it in a task of its own. It runs once.
 */
export class Coroutine<T> implements Promise<T> {
  // It has all of a promise's methods, so that `coroutine` can decorate an async method, whose type TypeScript keeps.
  readonly [Symbol.toStringTag] = "Coroutine";
  /** The function's name. */
  readonly name: string;
  private fn: ((...args: never) => PromiseLike<T> | T) | null;
  private self: unknown;
  private args: readonly unknown[];
  private readonly origin: Origin | null;
  /** @internal The task that it was given to. */
  task: Future<T> | null = null;

  /** @internal The call of `fn` with this `self` and these arguments. (A closure would cost as much as the task.) */
  constructor(
    name: string,
    fn: (...args: never) => PromiseLike<T> | T,
    self?: unknown,
    args: readonly unknown[] = NONE,
  ) {
    this.name = name;
    this.fn = fn;
    this.self = self;
    this.args = args;
    this.origin = debugging() ? watch(this) : null;
  }

  /** @internal Begins the call. */
  start(): PromiseLike<T> | T {
    const { fn, self, args } = this;
    if (fn === null) {
      throw new RuntimeError(
        `coroutine ${this.name}() was awaited or started before: a coroutine runs once, call ${this.name}() again for a second run`,
      );
    }
    this.forget();
    if (this.origin === null) return fn.apply(self, args as never);
    this.origin.begun = true;
    const result = fn.apply(self, args as never);
    if (!isThenable(result)) reportSync(this.origin);
    return result;
  }

  /** @internal A task has taken it over: if that is cancelled before its first step, it was not forgotten. */
  adopt(task: Future<T>): void {
    this.task = task;
    if (this.origin !== null) this.origin.begun = true;
  }

  /**
   * Runs it in the awaiting task.
   *
   * *Cancel safety*: that of what it runs.
   */
  // biome-ignore lint/suspicious/noThenProperty: being awaitable is what a coroutine is for
  then<A = T, B = never>(
    fulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return begin(this).then(fulfilled, rejected);
  }

  /** Like {@link then}, for its error. *Cancel safety*: that of what it runs. */
  catch<B = never>(rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return begin(this).catch(rejected);
  }

  /** Like {@link then}, for its end. *Cancel safety*: that of what it runs. */
  finally(settled?: (() => void) | null): Promise<T> {
    return begin(this).finally(settled);
  }

  /** It won't be run: no report that it never was. */
  close(): void {
    this.forget();
    if (this.origin !== null) this.origin.begun = true;
  }

  /** Who keeps the coroutine after its call should not keep what it was called with. */
  private forget(): void {
    this.fn = null;
    this.self = undefined;
    this.args = NONE;
  }

  toString(): string {
    return `<Coroutine ${this.name}()>`;
  }
}

async function begin<T>(coroutine: Coroutine<T>): Promise<T> {
  return await coroutine.start();
}

interface Origin {
  begun: boolean;
  readonly name: string;
  readonly lines: readonly string[];
  readonly loop: { callExceptionHandler(context: { message: string; source?: string }): void };
}

/** The function is not async: it has done its work in one go, and kept everything else waiting. */
function reportSync({ loop, name, lines }: Origin): void {
  loop.callExceptionHandler({
    message: `coroutine ${name}() ran synchronously: its function returned no promise; make it async, or call it as a plain function`,
    source: lines.join("\n    "),
  });
}

const dropped = new FinalizationRegistry<Origin>((origin) => {
  if (origin.begun) return;
  origin.loop.callExceptionHandler({
    message: `coroutine ${origin.name}() was never awaited`,
    source: origin.lines.join("\n    "),
  });
});

function watch(coroutine: Coroutine<unknown>): Origin | null {
  const frame = ambient.getStore();
  if (!frame?.loop?.debug) return null;
  noteOrigin(coroutine);
  const origin: Origin = {
    begun: false,
    name: coroutine.name,
    lines: originOf(coroutine),
    loop: frame.loop,
  };
  dropped.register(coroutine, origin);
  return origin;
}

type AsyncFunction<This, A extends unknown[], T> = (this: This, ...args: A) => PromiseLike<T> | T;
type CoroutineFunction<This, A extends unknown[], T> = (this: This, ...args: A) => Coroutine<T>;

/**
 * Makes an async function cold: calling it returns a {@link Coroutine}, which runs when it is awaited or made a
 * task. Also a standard decorator for methods.
 *
 * @throws TypeError if `fn` is not a function.
 *
 * @example
 * ```ts
 * import { coroutine, gather, run, sleep } from "brio";
 *
 * const fetchData = coroutine(async (url: string) => {
 *   await sleep("10ms");
 *   return `Data from ${url}`;
 * });
 *
 * await run(async () => {
 *   console.log(await fetchData("url1")); // Data from url1
 *   const [a, b] = await gather(fetchData("url2"), fetchData("url3")); // two tasks
 *   console.log(a, b); // Data from url2 Data from url3
 * });
 * ```
 */
export function coroutine<This, A extends unknown[], T>(
  fn: (this: This, ...args: A) => PromiseLike<T>,
  context?: ClassMethodDecoratorContext<This>,
): CoroutineFunction<This, A, T>;
export function coroutine<This, A extends unknown[], T>(
  fn: AsyncFunction<This, A, T>,
  context?: ClassMethodDecoratorContext<This>,
): CoroutineFunction<This, A, T> {
  if (typeof fn !== "function") {
    throw new TypeError(
      `coroutine() takes an async function: coroutine(async (url) => { ... }); got ${shownForCoroutine(fn)}`,
    );
  }
  if (context !== undefined && context.kind !== "method") {
    throw new TypeError(`@coroutine decorates methods, not a ${String((context as { kind: string }).kind)}`);
  }
  const name = fn.name || String(context?.name ?? "<anonymous>");
  return function (this: This, ...args: A): Coroutine<T> {
    return new Coroutine<T>(name, fn, this, args);
  };
}

function shownForCoroutine(value: unknown): string {
  if (value instanceof Coroutine)
    return `a call of ${value.name}(), which is cold already: pass the function itself`;
  if (isThenable(value)) return "the promise of a call that has begun: pass the function itself";
  return inspect(value);
}

/**
 * Is this the result of calling a coroutine function?
 *
 * @example
 * ```ts
 * import { coroutine, isCoroutine } from "brio";
 *
 * const work = coroutine(async () => 42);
 * console.log(isCoroutine(work())); // true
 * console.log(isCoroutine(Promise.resolve(42))); // false
 * ```
 */
export function isCoroutine(value: unknown): value is Coroutine<unknown> {
  return value instanceof Coroutine;
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value !== null &&
    (typeof value === "object" || typeof value === "function") &&
    typeof (value as { then?: unknown }).then === "function"
  );
}

/** Checks what a task is to be made of. `caller` names the function that was given it, for the error. */
export function checkSource(source: Source<unknown>, caller: string): void {
  if (typeof source === "function" || source instanceof Coroutine) return;
  if (isThenable(source)) {
    throw new TypeError(
      `${caller} takes a coroutine or a function, and got a promise: its work has begun already and could not be cancelled. ` +
        `Write ${caller.replace("()", "(() => work())")}, or make work a coroutine`,
    );
  }
  throw new TypeError(
    `${caller} takes a coroutine or a function, such as () => work(); got ${inspect(source)}`,
  );
}

/** Begins what a source stands for. */
export function start<T>(source: Source<T>): PromiseLike<T> | T {
  return typeof source === "function" ? source() : source.start();
}
