/** Something was asked of an object whose state does not allow it: asyncio's `RuntimeError`. */
export class RuntimeError extends Error {
  override name = "RuntimeError";
}
