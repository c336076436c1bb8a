// Programs in processes of their own, that have less than others.
import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";

const NODE = [
  process.execPath,
  "--no-warnings",
  "--conditions=brio-source",
  "--input-type=module-typescript",
];

type Child = ChildProcessByStdio<Writable, Readable, null>;

/** Starts a program in a shell that `prepare`s for it first. */
export function start(
  program: string,
  prepare: string,
  variables: NodeJS.ProcessEnv = {},
  within: readonly string[] = [],
): Child {
  const child = spawn("sh", ["-c", `${prepare} && exec "$@"`, "sh", ...within, ...NODE], {
    cwd: join(import.meta.dirname, "../../../.."),
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, NODE_OPTIONS: "", ...variables },
  });
  child.stdin.end(program);
  const closed = once(child, "close");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await closed;
  });
  return child;
}

/** What such a program prints. */
export async function output(
  program: string,
  prepare: string,
  variables: NodeJS.ProcessEnv = {},
): Promise<string> {
  return await text(start(program, prepare, variables).stdout);
}

const MOUNTING = [
  "unshare",
  "-rm",
  "sh",
  "-c",
  `mount -t tmpfs -o size="$SIZE" none "$FOLDER" && exec "$@"`,
  "sh",
];

/** May this process mount something in a namespace of its own? */
export const canMount: boolean =
  process.platform === "linux" &&
  spawnSync(MOUNTING[0] as string, [...MOUNTING.slice(1), "true"], {
    env: { ...process.env, SIZE: "64k", FOLDER: tmpdir() },
  }).status === 0;

/** What a program prints that has a small disk in `folder`. It is gone with its namespace, when the process ends. */
export async function outputOnSmallDisk(program: string, size: string, folder: string): Promise<string> {
  return await text(start(program, "true", { FOLDER: folder, SIZE: size }, MOUNTING).stdout);
}
