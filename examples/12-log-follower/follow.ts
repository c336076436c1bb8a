import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { interruptible } from "brio";
import { type File, open, type Watch, watch } from "brio/files";

/** What there is to tell of a file that is followed. */
export interface News {
  readonly kind: "line" | "note";
  readonly text: string;
}

/**
 * Follows what is written to a file, as `tail -F` does: through rotation (it is renamed and made anew), truncation, and from
 * before it exists. A line is told when its end has come. Never ends by itself; cancelled, nothing is left open.
 *
 * @param fromStart tell what is in it already
 *
 * @throws WatchEndedError when its folder is gone
 */
export async function follow(
  path: string,
  fromStart: boolean,
  tell: (news: News) => Promise<void>,
): Promise<void> {
  // The folder, and not the file: that may come, go, and come again. From here on nothing is missed.
  using changes = watch(dirname(path));
  const note = (text: string): Promise<void> => tell({ kind: "note", text });
  for (let first = true; ; first = false) {
    let file = await openIfThere(path);
    if (file === null && first) await note("is not there yet");
    const isOld = file !== null && first;
    while (file === null) {
      await changeOf(basename(path), changes);
      file = await openIfThere(path);
    }
    await using opened = file;
    if (isOld && !fromStart) await opened.seek(0, "end");
    await note(isOld ? `is followed from byte ${opened.position}` : "is new");
    await followOpen(opened, changes, tell);
  }
}

/** Until another file has its name. */
async function followOpen(file: File, changes: Watch, tell: (news: News) => Promise<void>): Promise<void> {
  const lines = file.lines({ partial: false });
  for (let size = 0; ; ) {
    // Looked at before it is read: so what was written up to then is read.
    const isReplaced = await hasOther(file);
    const before = size;
    size = (await file.stat()).size;
    if (size < before) {
      await tell({ kind: "note", text: "was truncated" });
      await file.seek(0);
    }
    for await (const text of lines) await tell({ kind: "line", text });
    if (isReplaced) {
      const rest = await file.read();
      if (rest.length > 0) await tell({ kind: "line", text: rest.toString() });
      return;
    }
    await changeOf(basename(file.path), changes);
  }
}

/** Waits for a change of this name. (After an overflow it may have been among what was dropped.) */
async function changeOf(name: string, changes: Watch): Promise<void> {
  const all = changes[Symbol.asyncIterator]();
  for (;;) {
    const { value: change } = await all.next();
    if (change === undefined || change.type === "overflow" || change.name === name) return;
  }
}

/** Has another file its name? Not yet, as long as there is none. */
async function hasOther(file: File): Promise<boolean> {
  const own = await file.stat();
  const there = await interruptible(stat(file.path)).catch(absent);
  return there !== null && (there.ino !== own.ino || there.dev !== own.dev);
}

async function openIfThere(path: string): Promise<File | null> {
  return await open(path).catch(absent);
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}
