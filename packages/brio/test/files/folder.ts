import { mkdtempSync, readdirSync, readlinkSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { expect, onTestFinished } from "vitest";

/**
 * A folder of the test's own. When the test has ended nothing may be left: no descriptor of what is in it, no temporary
 * file, no watcher, no operation that is under way.
 */
export function testFolder(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "brio-files-test-")));
  onTestFinished(async () => {
    // Node counts an operation as under way until what it has called back has returned, and a watcher until its next turn.
    for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve));
    try {
      expect(leftovers(path)).toEqual([]);
    } finally {
      rmSync(path, { recursive: true });
    }
  });
  return path;
}

/** What is left of the work in a folder. */
export function leftovers(path: string): string[] {
  return [
    ...descriptorsIn(path).map((file) => `open: ${file}`),
    ...temporaryFilesIn(path).map((file) => `temporary: ${file}`),
    ...underWay(),
  ];
}

/** What Node does with files, and watches. */
export function underWay(): string[] {
  return process.getActiveResourcesInfo().filter((name) => /^(?:FS|CloseReq)/i.test(name));
}

/** What this process has open in a folder. Where there is no /proc, it can't be seen. */
export function descriptorsIn(path: string): string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const file = readlinkSync(`/proc/self/fd/${fd}`);
      return file.startsWith(path) ? [file] : [];
    } catch {
      return []; // the one that listed them
    }
  });
}

/** Looked for by hand: Node's `recursive` goes where links lead, in circles too. */
export function temporaryFilesIn(path: string): string[] {
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith(".brio-")) return [entry.name];
    return entry.isDirectory() ? temporaryFilesIn(join(path, entry.name)) : [];
  });
}
