import { AsyncResource } from "node:async_hooks";

const resource = new AsyncResource("outside");

/** Calls `fn` in no loop's context, as an event listener or a native callback of the program is called. */
export function outside<R>(fn: () => R): R {
  return resource.runInAsyncScope(fn);
}
