/**
 * `Promise.reject(error).then(fulfilled, rejected)`, but rejected only when it has its handlers: Node looks at each promise
 * that is rejected without, which takes six times as long as all the rest.
 */
export function thenRejected<A, B>(
  error: unknown,
  fulfilled: ((value: never) => A | PromiseLike<A>) | null | undefined,
  rejected: ((reason: unknown) => B | PromiseLike<B>) | null | undefined,
): Promise<A | B> {
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<never>((_, refuse) => {
    reject = refuse;
  });
  const chained = promise.then(fulfilled, rejected);
  reject(error);
  return chained;
}
