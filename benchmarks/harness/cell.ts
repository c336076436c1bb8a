/** Measures one cell once, in a process of its own. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { isPython, type PeerName } from "./peers.ts";
import type { Load, Row } from "./row.ts";
import { sizesOf } from "./sizes.ts";
import { benchmarks, type Python } from "./system.ts";

/** What a cell's process is asked: programs/cell.ts and programs/python/cell.py read it. */
export interface Request {
  readonly row: string;
  readonly group: string;
  readonly peer: PeerName;
  readonly measure: "time" | "rate" | "own-rate" | "cpu" | "lag" | "heap" | "resident";
  readonly load: Load;
  /** What is run before the clock starts, until it has taken `warmUpTime` milliseconds of CPU time. */
  readonly warmUp: Load;
  readonly warmUpTime: number;
  /** For how long to take samples, in milliseconds. On a busy machine it takes up to four times as long. */
  readonly time: number;
}

export interface Answer {
  readonly samples: readonly number[];
}

/** How thorough to be. */
export interface Effort {
  /** In how many processes each cell is measured. */
  readonly runs: number;
  readonly warmUpTime: number;
  readonly time: number;
  /** When to give up a cell, in milliseconds. */
  readonly limit: number;
}

export interface Task {
  readonly row: Row;
  readonly peer: PeerName;
  readonly load: Load;
  readonly warmUp: Load;
}

/** A program that failed, or gave a wrong result. */
export class CellError extends Error {
  override readonly name = "CellError";
}

/** The samples of one process. */
export async function measure(
  task: Task,
  effort: Effort,
  python: Python | undefined,
): Promise<readonly number[]> {
  const { row, peer, load, warmUp } = task;
  switch (row.measure) {
    case "packed":
    case "installed":
      return [sizesOf(peer)[row.measure]];
    case "import":
      return await inProcess(...importer(peer, python), effort.limit);
    default: {
      const { warmUpTime, time } = effort;
      const request: Request = {
        row: row.name,
        group: row.group,
        peer,
        measure: row.measure,
        load,
        warmUp,
        warmUpTime,
        time,
      };
      return await inProcess(...program(request, python), effort.limit);
    }
  }
}

type Command = readonly [command: string, args: readonly string[]];

function program(request: Request, python: Python | undefined): Command {
  const text = JSON.stringify(request);
  if (isPython(request.peer)) {
    return [python?.path ?? "python3", [join(benchmarks, "programs/python/cell.py"), text]];
  }
  // Room for a million tasks, whatever the machine's default is.
  const flags = ["--expose-gc", "--max-old-space-size=8192"];
  return [process.execPath, [...flags, join(benchmarks, "programs/cell.ts"), text]];
}

/** Inside the process, so that the start of Node or Python doesn't count. */
function importer(peer: PeerName, python: Python | undefined): Command {
  if (isPython(peer)) {
    const code = `
import json, time
start = time.perf_counter()
import ${peer}
print(json.dumps({"samples": [(time.perf_counter() - start) * 1000]}))`;
    return [python?.path ?? "python3", ["-c", code]];
  }
  const code = `
const start = performance.now();
await import(${JSON.stringify(peer)});
console.log(JSON.stringify({ samples: [performance.now() - start] }));`;
  return [process.execPath, ["--input-type=module", "--eval", code]];
}

function inProcess(command: string, args: readonly string[], limit: number): Promise<readonly number[]> {
  // Settings for other programs must not change how these run, or which brio they find.
  const { NODE_OPTIONS: _, ...env } = process.env;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: benchmarks,
      env: { ...env, BENCH_NODE: process.execPath },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: limit,
      killSignal: "SIGKILL",
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk;
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      stderr += chunk;
    });
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (signal === "SIGKILL") reject(new CellError(`did not end within ${limit / 1000} s`));
      else if (code !== 0) reject(new CellError(lastLines(stderr) || `exited with ${code ?? signal}`));
      else resolve((JSON.parse(stdout) as Answer).samples);
    });
  });
}

/** Where Python and Node say what went wrong. */
function lastLines(text: string): string {
  const lines = text.trim().split("\n");
  const error = lines.findIndex((line) => /^[A-Za-z.]*Error\b/.test(line.trim()));
  return lines
    .slice(error === -1 ? -3 : error)
    .slice(0, 3)
    .join("\n");
}
