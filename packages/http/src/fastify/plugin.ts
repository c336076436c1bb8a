import type { Duration } from "brio";
import type {
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  RouteOptions,
} from "fastify";
import type { Lifespan } from "../server/lifespan.ts";
import { checkOptions, type RequestTasksOptions, requestTimeout, type Settings } from "../server/options.ts";
import { requestOf } from "../server/request-task.ts";
import { RequestTasks } from "../server/request-tasks.ts";

/** Options of the plugin {@link brio}. */
export interface BrioOptions extends RequestTasksOptions {
  /**
   * What the application needs for as long as it lives: an async generator function that opens it and hangs it on the app,
   * yields once, and closes it. `await using` does the closing.
   */
  lifespan?: Lifespan<FastifyInstance> | undefined;
}

/** What a route says of its requests: `{ config: { brio: { timeout: "5s" } } }`. */
export interface BrioRouteOptions {
  /** In place of the plugin's; null: no limit. */
  timeout?: Duration | null;
  /** Answer however much there is to do: for health checks. Default false. */
  exempt?: boolean;
}

declare module "fastify" {
  interface FastifyInstance {
    /** The requests of the server, as tasks. */
    brio: RequestTasks;
  }
  interface FastifyContextConfig {
    brio?: BrioRouteOptions;
  }
}

/** A route's options, checked: the time limit in milliseconds, undefined for the plugin's. */
interface RouteSettings {
  readonly timeout: number | null | undefined;
  readonly exempt: boolean;
}

const SETTINGS: unique symbol = Symbol("brio route");
const USUAL: RouteSettings = { timeout: undefined, exempt: false };

const plugin: FastifyPluginAsync<BrioOptions> = async (app, options) => {
  const { lifespan } = options;
  checkPatience(app, checkOptions(options));
  const tasks = await RequestTasks.open(options, {
    lifespan: lifespan === undefined ? null : () => lifespan(app),
    close: async () => void (await app.close()),
    answer,
  });
  app.decorate("brio", tasks);
  let usual = true;

  app.addHook("onRoute", (route: RouteOptions) => {
    const { brio } = route.config ?? {};
    if (brio !== undefined) {
      usual = false;
      const { timeout, exempt = false } = brio;
      const settings: RouteSettings = {
        timeout: timeout === undefined ? undefined : requestTimeout(timeout),
        exempt,
      };
      Object.assign(route.config as object, { [SETTINGS]: settings });
    }
    const { handler } = route;
    route.handler = function (this: FastifyInstance, request, reply) {
      const task = requestOf(request.raw);
      if (task === undefined) return handler.call(this, request, reply);
      return task.handle(() => handler.call(this, request, reply), never);
    };
  });

  app.addHook("onRequest", (request, reply, done) => {
    const { timeout, exempt } = usual ? USUAL : settingsOf(request);
    const refusal = tasks.refusal(request.raw.url ?? "", exempt);
    if (refusal !== null) {
      done(refusal);
      return;
    }
    tasks.begin(request.raw, reply.raw, timeout, done, reply);
  });

  // The listeners of a body are called in the connection's context: back to the request's.
  app.addHook("preValidation", (request: FastifyRequest, _reply, done) => {
    const task = requestOf(request.raw);
    if (task === undefined) done();
    else task.enter(done);
  });

  app.addHook("onListen", (done) => {
    tasks.attach(app.server);
    done();
  });
  // Both also when the service has done it before.
  app.addHook("preClose", (done) => {
    tasks.stop().then(() => done(), done);
  });
  app.addHook("onClose", () => tasks.finish());
};

/** Fastify makes all the options of a route anew for who asks: it is not asked while no route has any of ours. */
function settingsOf(request: FastifyRequest): RouteSettings {
  return (request.routeOptions.config as { [SETTINGS]?: RouteSettings })[SETTINGS] ?? USUAL;
}

/** Fastify gives up a plugin that takes longer to close. */
function checkPatience(app: FastifyInstance, { service, drain, grace }: Settings): void {
  const { pluginTimeout = 0 } = app.initialConfig;
  if (service !== null || pluginTimeout === 0 || drain + grace < pluginTimeout) return;
  throw new RangeError(
    `drain and grace are ${drain + grace} ms together, but Fastify waits for a plugin to close for ${pluginTimeout} ms only: fastify({ pluginTimeout: ${drain + grace + 5000} })`,
  );
}

function answer(subject: unknown, error: Error): boolean {
  const reply = subject as FastifyReply; // of the request, from the hook
  if (reply.sent) return false; // also a hijacked one
  reply.send(error);
  return true;
}

/** What Fastify never answers with: it would take undefined for an answer where another one is still on its way. */
function never(): Promise<never> {
  return new Promise(() => {});
}

/**
 * A plugin for Fastify: each request runs as a task, from its first hook to the last byte of its response. Handlers stay plain
 * async functions.
 *
 * - The client leaves: what the handler waits for throws `CancelledError`, and `currentSignal()` is aborted. That is not
 *   an error.
 * - The time of the route is over: the same, and Fastify's error handler answers a `RequestTimeoutError` with 503 or 504.
 *   If the response has begun, the connection is cut off.
 * - There is too much to do: the error handler answers a `ServiceUnavailableError` with 503 and `Retry-After`.
 * - The service stops, or the app is closed: requests under way get the time to end, then they are cancelled.
 *
 * Register it first. Outside of `run`, it brings a loop of its own.
 *
 * @example
 * ```ts
 * import { brio } from "@brio/http/fastify";
 * import { interruptible, run, sleep } from "brio";
 * import fastify from "fastify";
 *
 * await run(async () => {
 *   const app = fastify();
 *   await app.register(brio, { timeout: "30s" });
 *   app.get("/", async () => await sleep("10ms", "hello"));
 *   console.log((await interruptible(app.inject("/"))).body); // hello
 *   await app.close();
 * });
 * ```
 */
export const brio: FastifyPluginAsync<BrioOptions> = Object.assign(plugin, {
  // What fastify-plugin does: the hooks are for the whole app, not for the routes inside the plugin.
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "@brio/http",
  [Symbol.for("plugin-meta")]: { fastify: "5.x", name: "@brio/http" },
});
