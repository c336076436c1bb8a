/**
 * What was watched is gone: it was deleted, moved, or another has taken its place. Or the system has stopped watching: then
 * `cause` says why.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { temporaryDirectory, WatchEndedError, watch } from "brio/files";
 *
 * await run(async () => {
 *   await using folder = await temporaryDirectory();
 *   using changes = watch(folder.path);
 *   await folder.remove();
 *   try {
 *     for await (const _ of changes);
 *   } catch (error) {
 *     if (!(error instanceof WatchEndedError)) throw error;
 *     console.log(error.path === folder.path); // true
 *   }
 * });
 * ```
 */
export class WatchEndedError extends Error {
  override name = "WatchEndedError";
  /** What was watched. */
  readonly path: string;

  constructor(path: string, what: string, options?: ErrorOptions) {
    super(`"${path}" can't be watched any more: ${what}`, options);
    this.path = path;
  }
}
