import { CancelledError } from "brio";
import { readFile } from "brio/files";
import { isOwner, type Owner } from "./owner.ts";

/** A part of a file, from one byte up to another, and how far it has come. */
export interface Segment {
  readonly from: number;
  /** The byte after the last; null: wherever the file ends. */
  readonly to: number | null;
  /** The next byte that is missing. */
  at: number;
}

/** How far a download has come. */
export interface Progress {
  /** What says whether the file on the server is still the same: a strong ETag, or else when it was changed. */
  readonly validator: string | null;
  readonly total: number | null;
  readonly segments: Segment[];
}

/** What is noted of a download that has begun, beside its file. */
export interface Notes {
  readonly url: string;
  /** The name of the file that they are about. */
  readonly part: string;
  /** Who brings it; null: nobody at present. */
  readonly owner: Owner | null;
  /** Null: there is nothing to go on with. */
  readonly progress: Progress | null;
}

/** Notes of this URL, if there are some that make sense; of a file whose name begins with `prefix`. */
export async function notesOf(path: string, url: string, prefix: string): Promise<Notes | null> {
  let read: Partial<Notes> | null;
  try {
    read = JSON.parse(await readFile(path, "utf8")) as Partial<Notes> | null;
  } catch (error) {
    if (error instanceof CancelledError) throw error;
    return null; // there are none, or they were cut off
  }
  const { part, owner, progress } = read ?? {};
  if (read?.url !== url || typeof part !== "string") return null;
  // It is a name in the same folder, whoever has written this.
  if (!part.startsWith(prefix) || !/^[\w-]+\.part$/.test(part.slice(prefix.length))) return null;
  if (owner !== null && !isOwner(owner)) return null;
  return { url, part, owner, progress: isProgress(progress) ? progress : null };
}

function isProgress(value: unknown): value is Progress {
  const { validator, total, segments } = (value ?? {}) as Partial<Progress>;
  if (typeof validator !== "string" || !Array.isArray(segments) || segments.length === 0) return false;
  if (total !== null && !isPlace(total)) return false;
  return segments.every(
    ({ from, to, at }: Segment) =>
      isPlace(from) && isPlace(at) && at >= from && (to === null || (isPlace(to) && at <= to)),
  );
}

function isPlace(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
