import { inspect } from "node:util";
import { RuntimeError } from "brio";

/**
 * What an application needs for as long as it lives: an async generator that opens it, yields once, and closes it.
 * `await using` does the closing.
 */
export type Lifespan<A> = (app: A) => AsyncGenerator<unknown, void, unknown>;

/** Opens it; returns how to close it. */
export async function openLifespan(lifespan: ReturnType<Lifespan<never>>): Promise<() => Promise<void>> {
  if (typeof lifespan?.next !== "function" || typeof lifespan[Symbol.asyncIterator] !== "function") {
    throw new TypeError(
      `lifespan must be an async generator function: async function* (app) { await using db = await open(); yield; }; it gave ${inspect(lifespan, { depth: 0 })}`,
    );
  }
  if ((await lifespan.next()).done)
    throw new RuntimeError("the lifespan has ended before the server began: it must yield once");
  return async () => {
    if ((await lifespan.next()).done) return;
    await lifespan.return(undefined);
    throw new RuntimeError(
      "the lifespan has yielded twice: it is to yield once, and to close what it has opened",
    );
  };
}
