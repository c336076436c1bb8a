/** Runs `fn` between acquire and release. */
export async function holding<T>(
  resource: { acquire(): Promise<unknown>; release(): void },
  fn: () => PromiseLike<T> | T,
  caller: string,
): Promise<T> {
  if (typeof fn !== "function")
    throw new TypeError(`${caller} takes a function: ${caller.replace("()", "(() => work())")}`);
  await resource.acquire();
  try {
    return await fn();
  } finally {
    resource.release();
  }
}
