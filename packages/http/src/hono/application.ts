import type { Duration } from "brio";
import type { Context, Env, ErrorHandler, Hono, MiddlewareHandler, Next, Schema } from "hono";
import type { Lifespan } from "../server/lifespan.ts";
import { type RequestTasksOptions, requestTimeout } from "../server/options.ts";
import { type NodeRequest, type NodeResponse, type RequestTask, requestOf } from "../server/request-task.ts";
import { RequestTasks } from "../server/request-tasks.ts";

/** Options of {@link brio}. */
export interface BrioOptions extends RequestTasksOptions {
  /**
   * What the application needs for as long as it lives: an async generator function that opens it, yields once, and closes
   * it. `await using` does the closing.
   */
  lifespan?: Lifespan<void> | undefined;
}

/** What @hono/node-server gives each request as `c.env`. */
interface NodeBindings {
  readonly incoming?: NodeRequest;
  readonly outgoing?: NodeResponse;
}

/**
 * Makes each request of a Hono application a task, from here to the last byte of its response. Handlers stay plain async
 * functions. It runs on Node, with @hono/node-server.
 *
 * - The client leaves: what the handler waits for throws `CancelledError`, and `currentSignal()` is aborted. That is not
 *   an error: `app.onError` is not told.
 * - The time is over: the same, and `app.onError` gets a `RequestTimeoutError` (503 or 504). If the response has begun, the
 *   connection is cut off.
 * - There is too much to do: `app.onError` gets a `ServiceUnavailableError` (503, with `Retry-After`).
 * - The service stops: requests under way get the time to end, then they are cancelled.
 *
 * Call it first: what is given to the application before is not part of it. Give the server to `attach`. Outside of `run`, it
 * brings a loop of its own.
 *
 * *Cancel safety*: cancelled, the application is not to be used.
 *
 * @throws TypeError or RangeError for bad arguments; what the lifespan throws.
 *
 * @example
 * ```ts
 * import { once } from "node:events";
 * import type { Server } from "node:http";
 * import type { AddressInfo } from "node:net";
 * import { brio } from "@brio/http/hono";
 * import { serve } from "@hono/node-server";
 * import { interruptible, run, sleep } from "brio";
 * import { Hono } from "hono";
 *
 * await run(async () => {
 *   const app = new Hono();
 *   await using tasks = await brio(app);
 *   app.get("/", async (context) => context.text(await sleep("10ms", "hello")));
 *   const server = tasks.attach(serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }) as Server);
 *   if (!server.listening) await interruptible(once(server, "listening"));
 *   const response = await interruptible(fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
 *   console.log(await interruptible(response.text())); // hello
 * });
 * ```
 */
export async function brio<E extends Env, S extends Schema, P extends string>(
  app: Hono<E, S, P>,
  options: BrioOptions = {},
): Promise<RequestTasks> {
  if (typeof app?.onError !== "function")
    throw new TypeError(
      'brio() takes an application of Hono first: await brio(new Hono(), { timeout: "30s" })',
    );
  const { lifespan } = options;
  const tasks = await RequestTasks.open(options, {
    lifespan: lifespan === undefined ? null : () => lifespan(),
    close: null,
    answer: (reject, error) => {
      (reject as (error: unknown) => void)(error);
      return true;
    },
  });
  const { onError } = app;
  app.onError = (handler) => onError.call(app, quietly(handler));
  const { errorHandler } = app as unknown as { errorHandler: ErrorHandler<E> }; // private to TypeScript
  app.onError(errorHandler);
  app.use(intoTask(tasks));
  return tasks;
}

function intoTask(tasks: RequestTasks): MiddlewareHandler {
  return (context, next) => {
    const { incoming, outgoing } = bindings(context);
    if (incoming === undefined || outgoing === undefined) {
      throw new TypeError(
        "brio needs Node's request and response: serve the application with @hono/node-server, serve({ fetch: app.fetch }); app.request() has neither",
      );
    }
    const refusal = tasks.refusal(incoming.url ?? "", false);
    if (refusal !== null) throw refusal;
    // It ends with what comes first: the rest of the application, or the end of its time.
    return new Promise<void>((resolve, reject) => {
      const proceed = (): void => {
        const request = requestOf(incoming) as RequestTask; // begin() has just made it
        goOn(request, context, next).then(resolve, reject);
      };
      tasks.begin(incoming, outgoing, undefined, proceed, reject);
    });
  };
}

/** Runs the rest of the application. */
async function goOn(request: RequestTask, context: Context, next: Next): Promise<void> {
  request.entered();
  try {
    await next();
  } catch (error) {
    if (error !== ABANDONED) {
      request.fail(error);
      request.excuse(error, () => {});
    } else if (!request.isTakenOver) {
      context.res = new Response(null, { status: 503 }); // it goes nowhere; after the time-out, another answer is on its way
    }
  } finally {
    if (context.error !== undefined) request.fail(context.error); // Hono has answered it
    request.left();
  }
}

/** Goes up through all middleware in place of an error: Hono asks no handler of errors about what is no `Error`. */
const ABANDONED = Symbol("the request was cancelled");

/** A cancellation that has nobody to be told is kept from the handler of errors. */
function quietly<E extends Env>(handler: ErrorHandler<E>): ErrorHandler<E> {
  return (error, context) => {
    const request = requestOf(bindings(context).incoming);
    if (request === undefined || error === request.answer) return handler(error, context);
    try {
      request.excuse(error, () => {});
    } catch (failure) {
      return handler(failure as Error, context); // excuse() throws errors only
    }
    throw ABANDONED;
  };
}

function bindings<E extends Env>(context: Context<E>): NodeBindings {
  return (context.env ?? {}) as NodeBindings;
}

/**
 * A middleware that gives a route's requests so much time, from there on; null: no limit.
 *
 * @throws RangeError or TypeError if it is no duration.
 *
 * @example
 * ```ts
 * import { once } from "node:events";
 * import type { Server } from "node:http";
 * import type { AddressInfo } from "node:net";
 * import { brio, timeLimit } from "@brio/http/hono";
 * import { serve } from "@hono/node-server";
 * import { interruptible, run, sleep } from "brio";
 * import { Hono } from "hono";
 *
 * await run(async () => {
 *   const app = new Hono();
 *   await using tasks = await brio(app);
 *   app.get("/", timeLimit("20ms"), async (context) => context.text(await sleep("1h", "late")));
 *   app.onError((error, context) => context.text(error.name, 503));
 *   const server = tasks.attach(serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }) as Server);
 *   if (!server.listening) await interruptible(once(server, "listening"));
 *   const response = await interruptible(fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
 *   console.log(await interruptible(response.text())); // RequestTimeoutError
 * });
 * ```
 */
export function timeLimit(limit: Duration | null): MiddlewareHandler {
  const timeout = requestTimeout(limit);
  return (context, next) => {
    requestOf(bindings(context).incoming)?.setTimeout(timeout);
    return next();
  };
}
