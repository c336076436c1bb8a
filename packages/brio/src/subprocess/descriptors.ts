import { closeSync, openSync } from "node:fs";
import process from "node:process";

/**
 * Throws EMFILE or ENFILE if the program can't open so many files just now. When Node finds that out in the middle of
 * starting a child, it never gives back the pipes that it has made for it.
 */
export function checkDescriptors(count: number): void {
  if (process.platform === "win32") return;
  const opened: number[] = [];
  try {
    while (opened.length < count) opened.push(openSync("/dev/null", "r"));
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}
