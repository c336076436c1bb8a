import { ambient, type Frame, frameForCallback } from "../loop/ambient.ts";
import type { Loop } from "../loop/loop.ts";
import type { Future } from "./future.ts";

/**
 * Errors that nobody has looked at. Each is reported when its future is collected, or when the loop ends,
 * whichever comes first: none is lost.
 */
interface Failure {
  readonly loop: Loop;
  readonly error: unknown;
  readonly what: string;
  /** What the exception handler runs in: it sees the context variables of the task that failed. */
  readonly frame: Frame;
}

const failures = new Map<Loop, Set<Failure>>();
const byFuture = new WeakMap<Future<unknown>, Failure>();
const collected = new FinalizationRegistry<Failure>(report);

export function noteFailure(future: Future<unknown>, error: unknown): void {
  const { loop } = future;
  const failure: Failure = {
    loop,
    error,
    what: `${future.constructor.name} exception was never retrieved: ${future}`,
    frame: frameForCallback(loop),
  };
  let ofLoop = failures.get(loop);
  if (ofLoop === undefined) {
    ofLoop = new Set();
    failures.set(loop, ofLoop);
  }
  ofLoop.add(failure);
  byFuture.set(future, failure);
  collected.register(future, failure, failure);
}

export function forgetFailure(future: Future<unknown>): void {
  const failure = byFuture.get(future);
  if (failure === undefined) return;
  byFuture.delete(future);
  drop(failure);
}

function drop(failure: Failure): void {
  collected.unregister(failure);
  const ofLoop = failures.get(failure.loop);
  ofLoop?.delete(failure);
  if (ofLoop?.size === 0) failures.delete(failure.loop);
}

/** The loop is ending: reports what is left. */
export function reportFailures(loop: Loop): void {
  for (const failure of failures.get(loop) ?? []) {
    drop(failure);
    report(failure);
  }
}

function report(failure: Failure): void {
  drop(failure);
  const { loop, what, error, frame } = failure;
  ambient.run(frame, () => loop.callExceptionHandler({ message: what, exception: error }));
}
