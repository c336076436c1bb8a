import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { beforeEach, expect } from "vitest";

/** What a test could leave behind in this process, by name, as often as it is there. */
type Open = Map<string, number>;

/** Of what Node lists as active: what is opened. Timers and file requests are also the test runner's. */
const HANDLES = /^(?:TCP|Pipe|TLS|UDP|Process|GetAddrInfo|GetNameInfo|FSEvent|Stat|Worker|MessagePort)/;

/** How long what is being closed may take until it is gone: it takes some turns of Node's loop. */
const PATIENCE = 2000;

/**
 * Each test of the file must leave nothing behind: no handle that keeps the process alive, no descriptor, no child
 * process. Looked at after all else that the test has to do at its end.
 */
export function leavesNothing(): void {
  beforeEach(({ onTestFinished }) => {
    const before = whatIsOpen();
    onTestFinished(async () => expect(await leftSince(before), "left behind").toEqual([]));
  });
}

/** What is open and was not, as soon as that is nothing; or what is left in the end. */
export async function leftSince(before: Open, patience: number = PATIENCE): Promise<string[]> {
  const deadline = performance.now() + patience;
  for (;;) {
    const left: string[] = [];
    for (const [name, count] of whatIsOpen()) if (count > (before.get(name) ?? 0)) left.push(name);
    if (left.length === 0 || performance.now() > deadline) return left;
    await turn();
  }
}

/** What this process has open now. */
export function whatIsOpen(): Open {
  const open: Open = new Map();
  const add = (name: string): void => void open.set(name, (open.get(name) ?? 0) + 1);
  for (const kind of process.getActiveResourcesInfo()) if (HANDLES.test(kind)) add(kind);
  for (const descriptor of descriptors()) add(descriptor);
  for (const child of children()) add(child);
  return open;
}

/** The descriptors by what they are of; on Linux. */
function descriptors(): string[] {
  return readdir("/proc/self/fd").flatMap((fd) => {
    try {
      return [`descriptor of ${readlinkSync(`/proc/self/fd/${fd}`)}`];
    } catch {
      return []; // that of reading the folder
    }
  });
}

function children(): string[] {
  return readdir("/proc/self/task").flatMap((thread) => {
    try {
      const pids = readFileSync(`/proc/self/task/${thread}/children`, "utf8").split(" ");
      return pids.filter((pid) => pid.trim() !== "").map((pid) => `child process ${pid}`);
    } catch {
      return []; // the thread has ended
    }
  });
}

function readdir(path: string): string[] {
  return process.platform === "linux" ? readdirSync(path) : [];
}
