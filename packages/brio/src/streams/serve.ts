import { inspect } from "node:util";
import { CancelledError } from "../cancel/errors.ts";
import { requireScope } from "../cancel/scope.ts";
import { uncancellable } from "../cancel/uncancellable.ts";
import { ExceptionGroup } from "../compose/exception-group.ts";
import { type Duration, milliseconds } from "../loop/duration.ts";
import type { EventLoop } from "../run/event-loop.ts";
import { Service } from "./service.ts";

/** How long the end of a service may take. All of it, added up, should be less than what the host waits before it kills. */
export interface ServeOptions {
  /**
   * How long to go on as before, only not ready, after the stop: until load balancers have noticed. Default 0: not at all. On
   * Kubernetes, about as long as the readiness probe needs to fail.
   */
  lameDuck?: Duration | undefined;
  /** How long what was accepted may take to end. Default "10s". */
  drain?: Duration | undefined;
  /** How long what was cancelled then may take to clean up. Default "5s". */
  grace?: Duration | undefined;
}

/**
 * Runs a service, from its start to its orderly end. `body` sets it up: it opens what is needed, adds servers, starts tasks.
 * When it has ended, the service is ready, and runs until it is stopped: by SIGTERM or SIGINT, by the cancellation of
 * `serve` in another way, by `service.stop()`, or because the body or a task has failed. Then
 *
 * 1. it is not ready any more, and goes on for `lameDuck`;
 * 2. servers accept nothing new, `service.untilStopping` ends, and a body that still runs is cancelled;
 * 3. the handlers of connections, and the work, get `drain` to end; what is left is cancelled;
 * 4. background tasks are cancelled, and what `service.use` was given is disposed of.
 *
 * A second signal stops it at once: the third step cancels without waiting. It resolves if it was stopped by
 * `service.stop()`. After a signal it throws `CancelledError`, and the process exits as `run` says: with 143 or 130.
 *
 * *Cancel safety*: cancelled, it stops as said, which takes at most `lameDuck`, `drain` and a few times `grace`, and throws
 * `CancelledError` then.
 *
 * @throws ExceptionGroup of what the body, tasks, servers and resources have failed with; TypeError or RangeError for bad
 * arguments; RuntimeError outside a task.
 *
 * @example
 * ```ts
 * import { interval, run } from "brio";
 * import { openConnection, serve, startServer } from "brio/streams";
 *
 * await run(() =>
 *   serve(async (service) => {
 *     const server = await startServer(async (reader, writer) => {
 *       writer.write(`you said ${await reader.readLine()}`);
 *     }, "127.0.0.1", 0);
 *     service.add(server);
 *     service.background(async () => {
 *       for await (const _ of interval("1m")) service.setReady(server.statistics().connections < 1000);
 *     });
 *     service.work(async () => {
 *       await service.whenReady();
 *       const [reader, writer] = await openConnection("127.0.0.1", server.port);
 *       writer.write("hello\n");
 *       console.log((await reader.readLine()).toString().trim()); // you said hello
 *       writer.close();
 *       service.stop(); // or a signal
 *     });
 *   }),
 * );
 * ```
 */
export async function serve(
  body: (service: Service) => PromiseLike<unknown> | unknown,
  options: ServeOptions = {},
): Promise<void> {
  const scope = requireScope("serve()");
  if (typeof body !== "function") {
    throw new TypeError(
      `serve() takes a function that sets the service up: serve(async (service) => { service.add(server); }); got ${inspect(body)}`,
    );
  }
  if (typeof options !== "object" || options === null)
    throw new TypeError(`serve() takes options, such as { drain: "10s" }; got ${inspect(options)}`);
  const { lameDuck = 0, drain = "10s", grace = "5s" } = options;
  const service = new Service(scope, {
    lameDuck: milliseconds(lameDuck, "lameDuck"),
    drain: milliseconds(drain, "drain"),
    grace: milliseconds(grace, "grace"),
  });
  const { signals } = scope.loop as EventLoop; // run() makes no other kind
  const hurry = (): void => service.stopNow();
  let interruption: CancelledError | null = null;
  try {
    await service.begin(body);
    await service.ended.wait();
  } catch (error) {
    if (error instanceof CancelledError) interruption = error;
    else service.errors.push(error);
    service.stop();
    signals.hurries.add(hurry);
    await uncancellable(() => service.ended.wait(), { grace: null });
  } finally {
    signals.hurries.delete(hurry);
  }
  if (service.errors.length > 0) {
    // A cancellation from outside stays in force: the next wait throws it.
    if (interruption !== null) scope.rearm();
    throw new ExceptionGroup("the service has failed", service.errors);
  }
  if (interruption !== null) throw interruption;
}
