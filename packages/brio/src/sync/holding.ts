import { requireScope } from "../cancel/scope.ts";

/** Runs `fn` between acquire and release. */
export async function holding<T>(
  resource: { acquire(): Promise<unknown>; release(): void },
  fn: () => PromiseLike<T> | T,
  caller: string,
): Promise<T> {
  if (typeof fn !== "function") {
    throw new TypeError(`${caller} takes a function: ${caller.replace("()", "(() => work())")}`);
  }
  requireScope(caller);
  await resource.acquire();
  let value: T;
  try {
    value = await fn();
  } catch (error) {
    releaseAfter(error, resource);
    throw error;
  }
  resource.release();
  return value;
}

/** A function that released what it held, and then failed: the complaint about the release must not hide its error. */
function releaseAfter(error: unknown, resource: { release(): void }): void {
  try {
    resource.release();
  } catch (complaint) {
    if (complaint instanceof Error) complaint.cause ??= error;
    throw complaint;
  }
}
