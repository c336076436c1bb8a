import type { Server } from "node:http";
import type { Duration } from "brio";
import type { Application, NextFunction, RequestHandler } from "express";
import type { Lifespan } from "../server/lifespan.ts";
import { type RequestTasksOptions, requestTimeout } from "../server/options.ts";
import { requestOf } from "../server/request-task.ts";
import { RequestTasks } from "../server/request-tasks.ts";
import { tasksOf } from "./handlers.ts";

/** Options of {@link brio}. */
export interface BrioOptions extends RequestTasksOptions {
  /**
   * What the application needs for as long as it lives: an async generator function that opens it (and puts it into
   * `app.locals`, say), yields once, and closes it. `await using` does the closing.
   */
  lifespan?: Lifespan<Application> | undefined;
}

/**
 * Makes each request of an Express application a task, from here to the last byte of its response. Handlers stay plain async
 * functions.
 *
 * - The client leaves: what the handler waits for throws `CancelledError`, and `currentSignal()` is aborted. That is not
 *   an error.
 * - The time is over: the same, and Express's error handlers get a `RequestTimeoutError` (503 or 504). If the response has
 *   begun, the connection is cut off.
 * - There is too much to do: the error handlers get a `ServiceUnavailableError` (503, and `Retry-After` is set).
 * - The service stops: requests under way get the time to end, then they are cancelled.
 *
 * Call it first: what is given to the application before is not part of it. Routers are given to `tasksOf`. It takes the
 * server that `app.listen` makes under its care; one that is made in another way is given to `attach`. Outside of `run`, it
 * brings a loop of its own.
 *
 * *Cancel safety*: cancelled, the application is not to be used.
 *
 * @throws TypeError or RangeError for bad arguments; what the lifespan throws.
 *
 * @example
 * ```ts
 * import { once } from "node:events";
 * import type { AddressInfo } from "node:net";
 * import { brio } from "@brio/http/express";
 * import { interruptible, run, sleep } from "brio";
 * import express from "express";
 *
 * await run(async () => {
 *   const app = express();
 *   await using _ = await brio(app);
 *   app.get("/", async (_request, response) => {
 *     response.send(await sleep("10ms", "hello"));
 *   });
 *   const server = app.listen(0, "127.0.0.1");
 *   await interruptible(once(server, "listening"));
 *   const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
 *   const response = await interruptible(fetch(url));
 *   console.log(await interruptible(response.text())); // hello
 * });
 * ```
 */
export async function brio(app: Application, options: BrioOptions = {}): Promise<RequestTasks> {
  if (typeof app !== "function" || typeof app.listen !== "function")
    throw new TypeError(
      'brio() takes an application of Express first: await brio(express(), { timeout: "30s" })',
    );
  const { lifespan } = options;
  const tasks = await RequestTasks.open(options, {
    lifespan: lifespan === undefined ? null : () => lifespan(app),
    close: null,
    // As for any middleware that gives up: the handlers of errors come after the handler that was under way.
    answer: (next, error) => {
      (next as NextFunction)(error);
      return true;
    },
  });
  app.use(intoTask(tasks));
  tasksOf(app as Application & { route(path: string): object });
  const listen = app.listen as (...args: unknown[]) => Server;
  app.listen = ((...args: unknown[]) => tasks.attach(listen.apply(app, args))) as Application["listen"];
  return tasks;
}

function intoTask(tasks: RequestTasks): RequestHandler {
  return (request, response, next) => {
    const refusal = tasks.refusal(request.originalUrl, false);
    if (refusal !== null) {
      response.set(refusal.headers);
      next(refusal);
      return;
    }
    tasks.begin(request, response, undefined, next, next);
  };
}

/**
 * A middleware that gives a route's requests so much time, from there on; null: no limit.
 *
 * @throws RangeError or TypeError if it is no duration.
 *
 * @example
 * ```ts
 * import { once } from "node:events";
 * import type { AddressInfo } from "node:net";
 * import { brio, timeLimit } from "@brio/http/express";
 * import { interruptible, run, sleep } from "brio";
 * import express from "express";
 *
 * await run(async () => {
 *   const app = express();
 *   await using _ = await brio(app);
 *   app.get("/", timeLimit("20ms"), async (_request, response) => {
 *     response.send(await sleep("1h", "late"));
 *   });
 *   app.use(((error, _request, response, _next) => {
 *     response.status(error.status).send(error.name);
 *   }) satisfies express.ErrorRequestHandler);
 *   const server = app.listen(0, "127.0.0.1");
 *   await interruptible(once(server, "listening"));
 *   const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
 *   const response = await interruptible(fetch(url));
 *   console.log(await interruptible(response.text())); // RequestTimeoutError
 * });
 * ```
 */
export function timeLimit(limit: Duration | null): RequestHandler {
  const timeout = requestTimeout(limit);
  return (request, _response, next) => {
    requestOf(request)?.setTimeout(timeout);
    next();
  };
}
