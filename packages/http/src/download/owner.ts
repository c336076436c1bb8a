import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname, uptime } from "node:os";
import process from "node:process";
import { threadId } from "node:worker_threads";

/** Who brings a file: as much of it as others need to find out whether it still runs. */
export interface Owner {
  /** The machine since it was started, and the processes that see each other there: a container is another place. */
  readonly place: string;
  readonly pid: number;
  /** When the process began, as the system counts it: another one may have its number later. Null where nobody says. */
  readonly began: string | null;
  readonly thread: number;
}

let self: Owner | null = null;

/** This thread. */
export function ownSelf(): Owner {
  self ??= { place: place(), pid: process.pid, began: status(process.pid)?.began ?? null, thread: threadId };
  return self;
}

/** Does it run? Null: it is elsewhere, and that can't be known from here. */
export function runs({ place, pid, began }: Owner): boolean | null {
  if (place !== ownSelf().place) return null;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false; // otherwise it is somebody else's
  }
  const now = status(pid);
  return now === null || began === null || (now.began === began && !now.over);
}

export function isOwner(value: unknown): value is Owner {
  const { place, pid, began, thread } = (value ?? {}) as Partial<Owner>;
  return (
    typeof place === "string" &&
    Number.isSafeInteger(pid) &&
    (pid as number) > 0 &&
    (began === null || typeof began === "string") &&
    Number.isSafeInteger(thread)
  );
}

function place(): string {
  let started: string;
  try {
    started = readFileSync("/proc/sys/kernel/random/boot_id", "utf8") + readlinkSync("/proc/self/ns/pid");
  } catch {
    // Not Linux: to the minute.
    started = String(Math.round(Date.now() / 60_000 - uptime() / 60));
  }
  return createHash("sha256").update(`${hostname()} ${started}`).digest("hex").slice(0, 16);
}

/** What Linux says of a process; null elsewhere. */
function status(pid: number): { began: string; over: boolean } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Behind the command's name, which may have any characters: the state first, and the 20th is when it began.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { began: fields[19] ?? "", over: fields[0] === "Z" || fields[0] === "X" };
  } catch {
    return null;
  }
}
