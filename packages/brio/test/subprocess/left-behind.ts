// What a test must not leave behind: processes, descriptors, listeners, temp files. Looked up, not assumed (on Linux).
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setImmediate } from "node:timers/promises";
import { run } from "brio";
import * as subprocess from "brio/subprocess";
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from "vitest";

const PROC = existsSync("/proc/self/stat");

/** Every process that comes of this one has it in its environment, wherever it has gone. */
const MARK = `BRIO_TEST_MARK=${randomUUID()}`;
[, process.env.BRIO_TEST_MARK] = MARK.split("=");

interface Entry {
  readonly pid: number;
  readonly state: string;
  readonly parent: number;
  readonly group: number;
}

function processes(): Entry[] {
  if (!PROC) return [];
  return readdirSync("/proc").flatMap((name) => {
    const stat = /^\d+$/.test(name) ? text(`/proc/${name}/stat`) : "";
    const [state, parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return stat === ""
      ? []
      : [{ pid: Number(name), state: state ?? "", parent: Number(parent), group: Number(group) }];
  });
}

function text(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return ""; // it has ended meanwhile
  }
}

/** The living processes that come of this one, through however many others. */
export function descendants(): number[] {
  return processes()
    .filter(({ pid, state }) => pid !== process.pid && state !== "Z" && state !== "X")
    .map(({ pid }) => pid)
    .filter((pid) => text(`/proc/${pid}/environ`).includes(MARK));
}

/** This process's children that have ended, and have not been reaped. */
export function zombies(): number[] {
  return processes()
    .filter(({ parent, state }) => parent === process.pid && state === "Z")
    .map(({ pid }) => pid);
}

export function isAlive(pid: number): boolean {
  return processes().some((entry) => entry.pid === pid && entry.state !== "Z" && entry.state !== "X");
}

export function descriptors(): string[] {
  if (!PROC) return [];
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`];
    } catch {
      return []; // that of the folder itself
    }
  });
}

const SIGNALS = ["exit", "SIGHUP", "SIGINT", "SIGTERM", "SIGQUIT"] as const;

function state(): object {
  return {
    descendants: descendants(),
    zombies: zombies(),
    descriptors: descriptors(),
    resources: process.getActiveResourcesInfo().filter((kind) => /Process|Pipe|Socket/.test(kind)),
    listeners: SIGNALS.map((event) => `${event}: ${process.listenerCount(event)}`),
    temporary: readdirSync(tmpdir()),
  };
}

/** Node lists a process that has ended until its turn is over: the next one after that sees the truth. */
async function turns(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

/** Has each test of the file checked. */
export function leaveNothingBehind(): void {
  let before: object;
  let temporary: string;
  // Other tests, in other processes, have folders of their own.
  beforeAll(() => {
    temporary = mkdtempSync(join(tmpdir(), "brio-test-"));
    vi.stubEnv("TMPDIR", temporary);
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(temporary, { recursive: true });
  });
  // The first child makes Node open what it keeps: how it hears of the end of children.
  beforeAll(async () => {
    await run(async () => void (await subprocess.run("true")));
    await turns();
  });
  beforeEach(() => {
    before = state();
  });
  afterEach(async () => {
    await turns();
    expect(state()).toEqual(before);
  });
}
