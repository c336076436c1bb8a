import { type BigIntStats, type FSWatcher, lstatSync, readdirSync, watch as watchFile } from "node:fs";
import { join } from "node:path";

/** Told what happens in a folder and its folders. Names are from the root on. */
export interface TreeEvents {
  tell(type: "rename" | "change", name: string): void;
  /** Something was renamed in the root itself: it may be the root. */
  look(): void;
  /** No more can be told of all of it. */
  fail(what: string, cause: unknown): void;
  /** Is a folder to be watched? */
  enter(name: string): boolean;
}

/** A folder that is watched. */
interface Folder {
  /** Its own name, the way to it from the root, and where it is. */
  readonly base: string;
  readonly name: string;
  readonly path: string;
  readonly watcher: FSWatcher;
  readonly identity: BigIntStats;
  readonly folders: Map<string, Folder>;
}

/**
 * Watches a folder and all that are in it, where the system can only watch one (as inotify). Each has a watcher of its own.
 *
 * A new folder may have been filled before its watcher was there: so what is found in it is told as new. It is watched first
 * and looked into then, that nothing falls between; some things are told twice for that.
 */
export class FolderTree {
  private readonly events: TreeEvents;
  private readonly root: Folder;
  private closed = false;

  /** @throws the system's error if not all of it can be watched. */
  constructor(path: string, events: TreeEvents) {
    this.events = events;
    const watcher = watchFile(path);
    try {
      const identity = lstatSync(path, { bigint: true });
      this.root = { base: "", name: "", path, watcher, identity, folders: new Map() };
      this.listen(this.root);
    } catch (error) {
      watcher.close();
      throw error;
    }
    try {
      this.lookInto(this.root, false);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    forget(this.root);
  }

  private listen(folder: Folder): void {
    folder.watcher.on("change", (type, base) => {
      if (this.closed) return;
      try {
        this.happened(folder, type === "rename" ? "rename" : "change", base === null ? "" : String(base));
      } catch (cause) {
        this.events.fail("not all of it can be watched", cause);
      }
    });
    folder.watcher.on("error", (cause) => {
      if (!this.closed) this.events.fail("the system has stopped watching it", cause);
    });
  }

  private happened(folder: Folder, type: "rename" | "change", base: string): void {
    const isRoot = folder === this.root;
    // That a folder goes is told by its own watcher as well, as if something of its name in it went.
    if (!isRoot && base === folder.base && type === "rename" && !isSame(folder)) return;
    this.events.tell(type, join(folder.name, base));
    if (type !== "rename") return;
    this.update(folder, base);
    if (isRoot) this.events.look();
  }

  /** A name has appeared or disappeared: is there a folder that is not watched, or one watched that is gone? */
  private update(parent: Folder, base: string): void {
    const known = parent.folders.get(base);
    if (known !== undefined) {
      if (isSame(known)) return;
      parent.folders.delete(base);
      forget(known);
    }
    if (statsOf(join(parent.path, base))?.isDirectory()) this.add(parent, base, true);
  }

  private add(parent: Folder, base: string, isNew: boolean): void {
    const name = join(parent.name, base);
    if (!this.events.enter(name)) return;
    const path = join(parent.path, base);
    let watcher: FSWatcher;
    try {
      watcher = watchFile(path);
    } catch (error) {
      if (isPassable(error)) return;
      throw error;
    }
    const identity = statsOf(path);
    if (!identity?.isDirectory()) {
      watcher.close(); // it is gone again
      return;
    }
    const folder = { base, name, path, watcher, identity, folders: new Map() };
    parent.folders.set(base, folder);
    this.listen(folder);
    this.lookInto(folder, isNew);
  }

  private lookInto(folder: Folder, isNew: boolean): void {
    for (const entry of entriesOf(folder.path)) {
      if (isNew) this.events.tell("rename", join(folder.name, entry.name));
      if (entry.isDirectory()) this.add(folder, entry.name, isNew);
    }
  }
}

function forget(folder: Folder): void {
  folder.watcher.close();
  for (const inner of folder.folders.values()) forget(inner);
}

/** Is it still there? With the time of its birth, as a number that has become free is soon given to another. */
function isSame({ path, identity }: Folder): boolean {
  const now = statsOf(path);
  return (
    now !== null &&
    now.dev === identity.dev &&
    now.ino === identity.ino &&
    now.birthtimeNs === identity.birthtimeNs
  );
}

function statsOf(path: string): BigIntStats | null {
  try {
    return lstatSync(path, { bigint: true });
  } catch (error) {
    if (isPassable(error)) return null;
    throw error;
  }
}

function entriesOf(path: string): ReturnType<typeof readEntries> {
  try {
    return readEntries(path);
  } catch (error) {
    if (isPassable(error)) return [];
    throw error;
  }
}

const readEntries = (path: string) => readdirSync(path, { withFileTypes: true });

const PASSABLE: ReadonlySet<string | undefined> = new Set(["EACCES", "ELOOP", "ENOENT", "ENOTDIR", "EPERM"]);

/** It is gone, or nobody may look into it: that concerns it alone. */
function isPassable(error: unknown): boolean {
  return PASSABLE.has((error as NodeJS.ErrnoException).code);
}
