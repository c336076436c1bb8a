import { inspect } from "node:util";
import { ambient, type Frame, frameForCallback } from "../loop/ambient.ts";
import type { Loop } from "../loop/loop.ts";
import { requireFrame } from "../tasks/awaitable.ts";

/** What protocols run in that are made by `factory`: checked, and asked for where a user asks for a connection. */
export function protocolFrame(caller: string, factory: unknown): { loop: Loop; frame: Frame } {
  const { loop } = requireFrame(caller);
  if (typeof factory !== "function") {
    throw new TypeError(
      `${caller} takes a function that makes the protocol: ${caller.replace("()", "(() => new Echo(), ...)")}; got ${inspect(factory)}`,
    );
  }
  return { loop, frame: frameForCallback(loop) };
}

/**
 * Tells a protocol of an event, if it wants to know. What a user's protocol throws, or rejects with, goes to `failed`.
 *
 * @param frame what the protocol's methods run in; null if they are brio's own
 */
export function tellProtocol(
  protocol: object,
  method: string,
  args: readonly unknown[],
  frame: Frame | null,
  failed: (exception: unknown) => void,
): unknown {
  const call = (protocol as Record<string, ((...args: unknown[]) => unknown) | undefined>)[method];
  if (call === undefined) return undefined;
  if (frame === null) return call.apply(protocol, args as unknown[]);
  try {
    const result = ambient.run(frame, () => call.apply(protocol, args as unknown[]));
    if (result instanceof Promise) result.then(undefined, failed);
    return result;
  } catch (exception) {
    failed(exception);
    return undefined;
  }
}

/** What a connection is lost with when its protocol has thrown this. */
export const errorOf = (exception: unknown): Error =>
  exception instanceof Error ? exception : new Error(inspect(exception));
