/**
 * Calls `cancel(reason)` when `signal` is aborted: at once if it is already. Returns how to stop listening; not
 * doing that would keep the listener for as long as the signal lives.
 */
export function linkSignal(signal: AbortSignal, cancel: (reason: unknown) => void): () => void {
  checkSignal(signal);
  if (signal.aborted) {
    cancel(signal.reason);
    return () => {};
  }
  const listener = (): void => cancel(signal.reason);
  signal.addEventListener("abort", listener, { once: true });
  return () => signal.removeEventListener("abort", listener);
}

/** @throws TypeError if it is something else. */
export function checkSignal(signal: unknown): void {
  if (!(signal instanceof AbortSignal)) {
    throw new TypeError(
      `signal must be an AbortSignal, such as controller.signal or AbortSignal.timeout(1000); got ${typeof signal}`,
    );
  }
}
