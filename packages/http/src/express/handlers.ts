import { METHODS } from "node:http";
import type { RequestHandler } from "express";
import { requestOf } from "../server/request-task.ts";

/** What takes handlers: an application, a router, one of its routes. */
type Registrar = Record<string, unknown>;

const REGISTERING: readonly string[] = [...METHODS.map((method) => method.toLowerCase()), "all", "use"];
const wrapped = new WeakSet<object>();

/**
 * Makes handlers part of their request's task that are given to a router from now on: its task ends when they have, and what
 * they are cancelled with is no error. The application has it from `brio(app)`; its routers need it too. Returns the router.
 *
 * @throws TypeError if it is no router.
 *
 * @example
 * ```ts
 * import { once } from "node:events";
 * import type { AddressInfo } from "node:net";
 * import { brio, tasksOf } from "@brio/http/express";
 * import { interruptible, run, sleep } from "brio";
 * import express, { Router } from "express";
 *
 * await run(async () => {
 *   const app = express();
 *   await using _ = await brio(app);
 *   const router = tasksOf(Router());
 *   router.get("/", async (_request, response) => {
 *     response.send(await sleep("10ms", "hello"));
 *   });
 *   app.use(router);
 *   const server = app.listen(0, "127.0.0.1");
 *   await interruptible(once(server, "listening"));
 *   const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
 *   const response = await interruptible(fetch(url));
 *   console.log(await interruptible(response.text())); // hello
 * });
 * ```
 */
export function tasksOf<R extends RequestHandler & { route(path: string): object }>(router: R): R {
  if (typeof router !== "function" || typeof router.route !== "function")
    throw new TypeError(
      "tasksOf() takes a router of Express: const users = tasksOf(express.Router()); its handlers come after",
    );
  const registrar = router as unknown as Registrar;
  wrapRegistration(registrar);
  const route = router.route;
  registrar.route = function (this: R, path: string): object {
    return wrapRegistration(route.call(this, path) as Registrar);
  };
  return router;
}

function wrapRegistration(registrar: Registrar): object {
  for (const method of REGISTERING) {
    const register = registrar[method];
    if (typeof register !== "function") continue;
    registrar[method] = function (this: unknown, ...args: unknown[]): unknown {
      return register.apply(this, args.map(inTask));
    };
  }
  return registrar;
}

/** What is no handler stays as it is: paths, settings, handlers of errors, routers and applications. */
function inTask(argument: unknown): unknown {
  if (Array.isArray(argument)) return argument.map(inTask);
  if (typeof argument !== "function" || argument.length > 3 || wrapped.has(argument)) return argument;
  if (typeof (argument as { handle?: unknown }).handle === "function") return argument;
  const handler = argument as RequestHandler;
  // Express tells handlers from handlers of errors by how many arguments they take.
  const one: RequestHandler = function (this: unknown, request, response, next) {
    const task = requestOf(request);
    if (task === undefined) return handler.call(this, request, response, next);
    return task.handle(() => handler.call(this, request, response, next), nothing);
  };
  wrapped.add(one);
  return one;
}

function nothing(): undefined {}
