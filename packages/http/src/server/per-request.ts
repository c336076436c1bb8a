import { inspect } from "node:util";
import { RuntimeError, type Source, type Task } from "brio";
import { currentRequest, type RequestTask } from "./request-task.ts";

/**
 * Starts a task that may outlive the request that it is started in, but not the server: at the end, it has as long as
 * requests have, and is cancelled then. What it fails with is reported to the `onError` of the server's tasks.
 *
 * @throws RuntimeError outside of a request; TypeError if `source` is no function or coroutine.
 *
 * @example
 * ```ts
 * import { background, brio } from "@brio/http/fastify";
 * import { interruptible, run, sleep } from "brio";
 * import fastify from "fastify";
 *
 * await run(async () => {
 *   const app = fastify();
 *   await app.register(brio);
 *   app.get("/", async () => {
 *     background(async () => {
 *       await sleep("20ms");
 *       console.log("sent"); // sent
 *     });
 *     return "it will be sent";
 *   });
 *   console.log((await interruptible(app.inject("/"))).body); // it will be sent
 *   await app.close(); // waits for it
 * });
 * ```
 */
export function background<T>(source: Source<T>, options: { name?: string } = {}): Task<T> {
  return requireRequest("background()").tasks.background(source, options);
}

/** What {@link perRequest} makes something with. */
export type RequestFactory<T> = () => AsyncGenerator<T, unknown, unknown> | PromiseLike<T> | T;

/**
 * Something that each request has one of, made when the request first asks for it, and given back when its task ends:
 * after the handler, and after the response. The factory is an async generator function that yields it and gives it back
 * then (the `yield` throws what the handler has failed with); or a function whose result is disposed of, if it can be.
 *
 * *Cancel safety*: cancelled while it is made, it fails for the whole request. Giving back has the server's `grace`.
 *
 * @throws TypeError if it is no function. The function that it returns throws RuntimeError outside of a request, and what the
 * factory throws.
 *
 * @example
 * ```ts
 * import { brio, perRequest } from "@brio/http/fastify";
 * import { interruptible, run, sleep } from "brio";
 * import fastify from "fastify";
 *
 * const connection = perRequest(async () => ({
 *   query: () => sleep("1ms", "a row"),
 *   [Symbol.asyncDispose]: async () => console.log("given back"), // given back
 * }));
 *
 * await run(async () => {
 *   const app = fastify();
 *   await app.register(brio);
 *   app.get("/", async () => await (await connection()).query());
 *   console.log((await interruptible(app.inject("/"))).body); // a row
 *   await app.close();
 * });
 * ```
 */
export function perRequest<T>(factory: RequestFactory<T>): () => Promise<T> {
  if (typeof factory !== "function") {
    throw new TypeError(
      `perRequest() takes a function that makes what a request needs: perRequest(() => pool.acquire()); got ${inspect(factory)}`,
    );
  }
  const key = {};
  return async () => {
    const request = requireRequest("what perRequest() returned");
    if (request.isOver)
      throw new RuntimeError(`what perRequest() returned was called after the end of ${request}`);
    return await request.instance(key, () => make(request, factory));
  };
}

async function make<T>(request: RequestTask, factory: RequestFactory<T>): Promise<T> {
  const made = await factory();
  if (!isGenerator(made)) {
    const dispose = disposal(made);
    if (dispose !== null) request.onEnd(dispose);
    return made as T; // the union without its generator
  }
  const first = await made.next();
  if (first.done)
    throw new RuntimeError("the factory of perRequest() has yielded nothing: it must yield once");
  request.onEnd(async (failure) => {
    const last = failure === undefined ? await made.next() : await made.throw(failure);
    if (last.done) return;
    await made.return(undefined);
    throw new RuntimeError("the factory of perRequest() has yielded twice: it must yield once");
  });
  return first.value;
}

function isGenerator<T>(made: unknown): made is AsyncGenerator<T, unknown, unknown> {
  const { next, throw: fail } = (made ?? {}) as Partial<AsyncGenerator>;
  return typeof next === "function" && typeof fail === "function" && Symbol.asyncIterator in (made as object);
}

function disposal(made: unknown): (() => unknown) | null {
  const { [Symbol.asyncDispose]: later, [Symbol.dispose]: now } = (made ?? {}) as Partial<
    AsyncDisposable & Disposable
  >;
  const dispose = later ?? now;
  return typeof dispose === "function" ? () => dispose.call(made as AsyncDisposable & Disposable) : null;
}

/** @throws RuntimeError outside of a request's task. */
export function requireRequest(caller: string): RequestTask {
  const request = currentRequest.get();
  if (request === null)
    throw new RuntimeError(
      `${caller} works in a request's task: call it in a handler, or in what a handler calls`,
    );
  return request;
}
