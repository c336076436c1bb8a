/** Something was asked of an object whose state does not allow it: asyncio's `RuntimeError`. */
export class RuntimeError extends Error {
  override name = "RuntimeError";
}

/** What is asked of a loop that has ended. */
export function closedError(): RuntimeError {
  return new RuntimeError("Event loop is closed: its run() or Runner has ended; start a new one");
}
