import { currentSignal, interruptible } from "brio";

/**
 * The platform's `fetch`, cancelled with the task that calls it: while it waits for the answer, and while the body is read.
 *
 * For code that is written for `fetch`. HttpClient is faster, retries, and says more when something goes wrong.
 *
 * *Cancel safety*: cancelled, the request is aborted; so is a body that is being read, until the scope in which `fetch` was
 * called has ended. A `signal` of your own works as well.
 *
 * @throws what the platform's `fetch` throws; RuntimeError outside a task.
 *
 * @example
 * ```ts
 * import { fetch } from "@brio/http";
 * import { run, timeout } from "brio";
 *
 * await run(async () => {
 *   const response = await timeout("10s", () => fetch("data:,hello"));
 *   console.log(await response.text()); // hello
 * });
 * ```
 */
export async function fetch(
  input: Parameters<typeof globalThis.fetch>[0],
  init: RequestInit = {},
): Promise<Response> {
  const signals = [currentSignal()];
  const given = init.signal ?? (input instanceof Request ? input.signal : null);
  if (given !== null) signals.push(given);
  const signal = AbortSignal.any(signals);
  return await interruptible(() => globalThis.fetch(input, { ...init, signal }));
}
