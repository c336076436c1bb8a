import { type BigIntStats, type FSWatcher, statSync, watch as watchFile } from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { inspect } from "node:util";
import { immediate } from "../cancel/immediate.ts";
import { ParkingLot } from "../cancel/parking-lot.ts";
import { requireScope } from "../cancel/scope.ts";
import { AGAIN, Wait, type WaitSource } from "../cancel/wait.ts";
import { heedCancellation } from "../compose/sleep.ts";
import { ambient } from "../loop/ambient.ts";
import { RuntimeError } from "../loop/errors.ts";
import type { Loop, Resource } from "../loop/loop.ts";
import { WatchEndedError } from "./errors.ts";
import { type Path, pathOf } from "./path.ts";
import { FolderTree } from "./watch-tree.ts";

/** What a {@link Watch} tells. */
export type Change =
  | {
      /** `"rename"`: a name has appeared or disappeared (look which). `"change"`: what bears it has changed. */
      readonly type: "rename" | "change";
      /** The name, in the folder that is watched, with the way to it (`"sub/file"`); the file's own if a file is. */
      readonly name: string;
      /** With the folder. */
      readonly path: string;
    }
  | {
      /** There were more changes than the limit: look at everything anew. */
      readonly type: "overflow";
      /** How many were dropped. */
      readonly missed: number;
    };

/** Options of {@link watch}. */
export interface WatchOptions {
  /** Watch the folders in the folder as well, all the way, and those that come. Default false. */
  recursive?: boolean | undefined;
  /** Only watch folders for whose name it returns true, with what is in them. (With `recursive`.) Default: all. */
  enter?: ((name: string) => boolean) | undefined;
  /** How many changes are kept for who takes them, at most. Default 1024. */
  limit?: number | undefined;
}

/*
 * A watch's states
 *
 *   watching ── the thing is gone, the system fails ──> ended (`end`): what is kept is still given, then the error is thrown
 *       └────── close(), the end of a loop over it ───> closed: nothing is given any more
 *
 * `kept` has no two changes that say the same: somebody who has not yet looked need not be told twice to look. When it is
 * full, changes are counted in `missed` only, which is told when `kept` has been emptied: by then there is room again.
 */

/**
 * What happens to a folder or file: made by `watch`. A bounded number of changes is kept until they are taken.
 *
 * @example
 * ```ts
 * import { run, taskGroup } from "brio";
 * import { temporaryDirectory, watch, writeFile } from "brio/files";
 *
 * await run(async () => {
 *   await using folder = await temporaryDirectory();
 *   const changes = watch(folder.path);
 *   await taskGroup((group) => {
 *     group.createTask(async () => {
 *       for await (const change of changes) if (change.type === "rename") changes.close(); // ends the loop
 *       console.log("seen"); // seen
 *     });
 *     group.createTask(() => writeFile(`${folder.path}/a`, ""));
 *   });
 * });
 * ```
 */
export class Watch
  implements AsyncIterable<Change>, Disposable, AsyncDisposable, Resource, WaitSource<Change | null>
{
  /** @internal */ readonly kind = "watch.next";
  /** @internal */ readonly outside = true;
  /** What is watched. */
  readonly path: string;
  private readonly loop: Loop;
  private readonly limit: number;
  private readonly watcher: { close(): void };
  private readonly identity: BigIntStats;
  private readonly kept = new Map<string, Change>();
  private readonly lot = new ParkingLot<Change | null>();
  private missed = 0;
  private end: { readonly error: unknown } | null = null;
  private closed = false;

  /** @internal Use `watch`. */
  constructor(loop: Loop, path: string, limit: number, enter: ((name: string) => boolean) | null) {
    this.loop = loop;
    this.path = path;
    this.limit = limit;
    this.identity = statSync(path, { bigint: true });
    if (enter === null || !this.identity.isDirectory()) this.watcher = this.begin(watchFile(path));
    else if (NATIVE) this.watcher = this.begin(watchFile(path, { recursive: true }), enter);
    else {
      this.watcher = new FolderTree(path, {
        tell: (type, name) => this.tell(type, name),
        look: () => this.look(),
        fail: (what, cause) => this.ended(what, cause),
        enter,
      });
    }
    loop.resources.add(this);
    this.look(); // it may be another by now
  }

  private begin(watcher: FSWatcher, enter?: (name: string) => boolean): FSWatcher {
    watcher.on("change", (type, name) => {
      if (name !== null && enter !== undefined && !isEntered(String(name), enter)) return;
      this.happened(type, name === null ? "" : String(name));
    });
    watcher.on("error", (cause) => this.ended("the system has stopped watching it", cause));
    return watcher;
  }

  /**
   * Waits for changes until it is closed. Leaving the loop closes it; cancelling a wait does not, unless that ends the loop's
   * block.
   *
   * *Cancel safety*: no change is lost.
   *
   * @throws WatchEndedError from the loop, when all that came before has been given.
   */
  [Symbol.asyncIterator](): AsyncIterator<Change, undefined> {
    return new Changes(this);
  }

  /** Stops watching: who waits for a change comes to the end of the loop. Twice is fine. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.kept.clear();
    this.stop();
    this.lot.grantAll();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** @internal */
  loopCloses(): void {
    this.close();
  }

  toString(): string {
    const state = this.closed
      ? "closed"
      : this.end !== null
        ? "ended"
        : `${this.kept.size} of ${this.limit} changes`;
    return `<Watch "${this.path}" ${state}>`;
  }

  // -- what happens --------------------------------------------------------------------------------------

  private happened(type: string, name: string): void {
    if (this.closed || this.end !== null) return;
    this.tell(type === "rename" ? "rename" : "change", name);
    // That it is gone itself is told as if something in it were, by a name that need not be its own: watched under two
    // names, it has the first one's.
    if (type === "rename") this.look();
  }

  private tell(type: "rename" | "change", name: string): void {
    if (this.closed || this.end !== null) return;
    const key = `${type}:${name}`;
    if (this.missed > 0 || (this.kept.size >= this.limit && !this.kept.has(key))) {
      this.missed++;
    } else if (!this.kept.has(key)) {
      const path = this.identity.isDirectory() ? join(this.path, name) : this.path;
      this.kept.set(key, { type, name, path });
    }
    this.lot.grantNext();
  }

  /** Is what is watched still there, and the same? At once: later it might be another. */
  private look(): void {
    try {
      const { dev, ino, birthtimeNs } = statSync(this.path, { bigint: true });
      // With the time of its birth: a number that has become free is soon given to another.
      const was = this.identity;
      if (dev !== was.dev || ino !== was.ino || birthtimeNs !== was.birthtimeNs) {
        this.ended("it was deleted or moved, and another has taken its place");
      }
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") this.ended("it was deleted or moved");
      else this.ended("it can't be looked at", cause);
    }
  }

  private ended(what: string, cause?: unknown): void {
    if (this.closed || this.end !== null) return;
    this.end = { error: new WatchEndedError(this.path, what, cause === undefined ? {} : { cause }) };
    this.stop();
    this.lot.grantAll();
  }

  private stop(): void {
    this.loop.resources.delete(this);
    this.watcher.close();
  }

  // -- who waits for it ----------------------------------------------------------------------------------

  /** @internal The next change; null: it was closed. */
  next(): Promise<Change | null> {
    const scope = requireScope("watch.next()");
    const change = this.first();
    if (change !== undefined) return immediate(scope, change);
    if (this.end !== null && !this.closed) return Promise.reject(this.end.error);
    const wait = new Wait<Change | null>(scope, this);
    this.lot.add(wait);
    return wait.begin();
  }

  /** Takes the first change; null if it was closed; undefined if there is none. */
  private first(): Change | null | undefined {
    if (this.closed) return null;
    for (const [key, change] of this.kept) {
      this.kept.delete(key);
      return change;
    }
    if (this.missed === 0) return undefined;
    const { missed } = this;
    this.missed = 0;
    return { type: "overflow", missed };
  }

  /** @internal */
  take(wait: Wait<Change | null>): Change | null | typeof AGAIN {
    this.lot.remove(wait);
    const change = this.first();
    if (change !== undefined) {
      this.passOn();
      return change;
    }
    if (this.end !== null) throw this.end.error;
    this.lot.add(wait);
    return AGAIN;
  }

  /** @internal */
  withdraw(wait: Wait<Change | null>, granted: boolean): undefined {
    this.lot.remove(wait);
    if (granted) this.passOn();
  }

  /** There may be more than one was woken for. */
  private passOn(): void {
    if (this.kept.size > 0 || this.missed > 0) this.lot.grantNext();
  }
}

/** A loop over a watch. */
class Changes implements AsyncIterator<Change, undefined> {
  private readonly watch: Watch;

  constructor(watch: Watch) {
    this.watch = watch;
  }

  async next(): Promise<IteratorResult<Change, undefined>> {
    await heedCancellation();
    const change = await this.watch.next();
    return change === null ? { done: true, value: undefined } : { done: false, value: change };
  }

  async return(): Promise<IteratorResult<Change, undefined>> {
    this.watch.close();
    return { done: true, value: undefined };
  }
}

/** These systems watch whole trees. */
const NATIVE = process.platform === "darwin" || process.platform === "win32";

/** Are all folders entered on the way to it? */
function isEntered(name: string, enter: (name: string) => boolean): boolean {
  for (let folder = dirname(name); folder !== "."; folder = dirname(folder)) if (!enter(folder)) return false;
  return true;
}

/**
 * Watches a folder or a file, from now on: `for await (const change of watch(path))`. With `recursive` also all that is in its
 * folders; where links lead is not watched.
 *
 * A change that is kept and comes again is told once. If nobody takes them and there are more than `limit`, the further ones
 * are dropped, and after those that are kept comes an `"overflow"`: time to look at everything anew. A file that others
 * replace, as editors do, is better watched through its folder.
 *
 * `recursive` costs a watcher for each folder on Linux, of which the system has so many (`fs.inotify.max_user_watches`), and
 * to look into all of them at the beginning, at once: use `enter` to leave out such as `node_modules`. Of a folder that
 * appears, what is found in it is told too; some of it may be told twice. One that disappears is told by its own name, and
 * what was in it at most in part. A folder that may not be read is not watched.
 *
 * *Cancel safety*: no change is lost. Use `using changes = watch(path)`, or leave the loop, to stop watching; at the latest
 * it stops when `run` ends.
 *
 * @throws the system's error, with `code` such as `ENOENT`, or `ENOSPC` for too many folders; RangeError if `limit` is no number for
 * it; TypeError if `enter` is no function; RuntimeError outside a
 * loop. From the loop: WatchEndedError when what is watched was deleted, moved or replaced, or
 * when there come to be too many folders.
 *
 * @example
 * ```ts
 * import { run } from "brio";
 * import { temporaryDirectory, watch, writeFile } from "brio/files";
 *
 * await run(async () => {
 *   await using folder = await temporaryDirectory();
 *   using changes = watch(folder.path);
 *   await writeFile(`${folder.path}/news.txt`, "something");
 *   for await (const change of changes) {
 *     if (change.type === "overflow" || change.name !== "news.txt") continue;
 *     console.log(change.type); // rename
 *     break;
 *   }
 * });
 * ```
 */
export function watch(path: Path, options: WatchOptions = {}): Watch {
  const name = resolve(pathOf(path, "path", 'watch("folder")'));
  const { limit = 1024, recursive = false, enter } = options;
  if (!Number.isInteger(limit) || limit < 1) {
    throw new RangeError(`limit must be a whole number of changes >= 1, such as 1024; got ${inspect(limit)}`);
  }
  if (enter !== undefined && typeof enter !== "function") {
    throw new TypeError(
      `enter must be a function, as in watch("folder", { recursive: true, enter: (name) => name !== "node_modules" }); got ${inspect(enter)}`,
    );
  }
  const loop = ambient.getStore()?.loop;
  if (loop === undefined) {
    throw new RuntimeError("watch() needs a running event loop: call it inside run(async () => { ... })");
  }
  return new Watch(loop, name, limit, recursive ? (enter ?? (() => true)) : null);
}
