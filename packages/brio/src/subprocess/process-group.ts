import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";

/**
 * A child and all processes that come of it and don't leave: the child is the first of a group of its own (and a session).
 *
 * The system gives the group's number to nobody else as long as anybody is in it. So when the child has been reaped, one
 * has to look at once whether anybody else is; and once nobody is, the group must not be signalled any more.
 */
export class ProcessGroup {
  private readonly id: number;
  private ended = false;

  constructor(id: number) {
    this.id = id;
  }

  /**
   * Is anybody alive in it?
   *
   * @param closely tell the living from those who have ended and that nobody has reaped yet. The init process of a
   * container may never do that. It costs a look at every process of the system.
   */
  alive(closely: boolean): boolean {
    if (!this.signal(0)) return false;
    return !closely || hasLivingMember(this.id) !== false;
  }

  /** Sends a signal to all of it; 0 sends none. False if nobody is there, or nobody whom the program may signal. */
  signal(signal: NodeJS.Signals | 0): boolean {
    if (this.ended) return false;
    try {
      return process.kill(-this.id, signal);
    } catch (error) {
      this.ended = (error as NodeJS.ErrnoException).code === "ESRCH"; // kill throws the system's errors
      return false;
    }
  }
}

/** Undefined where there is no `/proc` to tell. */
function hasLivingMember(group: number): boolean | undefined {
  let names: string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return undefined;
  }
  let readAny = false;
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    let stat: string;
    try {
      stat = readFileSync(`/proc/${name}/stat`, "latin1");
    } catch {
      continue; // it has ended meanwhile
    }
    readAny = true;
    // The program's name, in parentheses, may contain anything.
    const [state, , pgrp] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (Number(pgrp) === group && state !== "Z" && state !== "X") return true;
  }
  return readAny ? false : undefined;
}
