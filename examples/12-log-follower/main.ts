/**
 * Follows several log files at once, through rotation and truncation, and says each few seconds how much came.
 *
 *     npx node --conditions=brio-source examples/12-log-follower/main.ts app.log access.log --pattern "ERROR|WARN"
 *
 * Each file has a task that follows it; what they read goes through a bounded queue to one that prints it, so that who
 * writes fast does not fill the memory. Ctrl-C ends it, with a summary.
 */
import { basename } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { type Duration, interval, Queue, run, taskGroup } from "brio";
import { WatchEndedError } from "brio/files";
import { follow, type News } from "./follow.ts";

/** How much came of a file. */
class Count {
  lines = 0;
  shown = 0;
  private reported = 0;

  /** Since the last time. */
  news(): number {
    const news = this.lines - this.reported;
    this.reported = this.lines;
    return news;
  }
}

interface Options {
  readonly pattern: RegExp;
  readonly every: Duration;
  readonly fromStart: boolean;
}

export async function followAll(paths: readonly string[], options: Options): Promise<void> {
  const { pattern, every, fromStart } = options;
  const counts = new Map(paths.map((path) => [path, new Count()]));
  const news = new Queue<News & { readonly path: string }>(100);

  const follower = async (path: string): Promise<void> => {
    const tell = (item: News): Promise<void> => news.put({ ...item, path });
    try {
      await follow(path, fromStart, tell);
    } catch (error) {
      // That is this file's affair; the others go on.
      if (error instanceof WatchEndedError)
        await tell({ kind: "note", text: "can't come again: its folder is gone" });
      else if (error instanceof Error && "code" in error)
        await tell({ kind: "note", text: `can't be followed: ${error.message}` });
      else throw error;
    }
  };

  const printer = async (): Promise<void> => {
    for await (const { kind, path, text } of news) {
      if (kind === "note") {
        console.log(`== ${basename(path)} ${text}`);
        continue;
      }
      const count = counts.get(path) as Count; // each has one
      count.lines++;
      if (!pattern.test(text)) continue;
      count.shown++;
      console.log(`${basename(path)}: ${text}`);
    }
  };

  const reporter = async (): Promise<void> => {
    let last = performance.now();
    for await (const tick of interval(every, { missed: "skip" })) {
      if (tick === 0) continue;
      const seconds = (performance.now() - last) / 1000;
      last = performance.now();
      const rates = [...counts].map(
        ([path, count]) => `${basename(path)} ${(count.news() / seconds).toFixed(1)}`,
      );
      console.log(`-- lines per second: ${rates.join(", ")}`);
    }
  };

  try {
    await taskGroup(async (group) => {
      group.createTask(printer, { name: "printer" });
      const reports = group.createTask(reporter, { name: "reporter" });
      await taskGroup((followers) => {
        for (const path of paths) followers.createTask(() => follower(path), { name: path });
      });
      reports.cancel();
      news.shutdown(); // what is in it is still printed
    });
  } finally {
    for (const [path, { lines, shown }] of counts)
      console.log(`-- ${basename(path)}: ${lines} lines, ${shown} shown`);
  }
}

export async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      pattern: { type: "string", default: "" },
      every: { type: "string", default: "5s" },
      "from-start": { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  if (positionals.length === 0)
    throw new Error("which files? main.ts FILE... [--pattern REGEX] [--every 5s] [--from-start]");
  await followAll(positionals, {
    pattern: new RegExp(values.pattern),
    every: values.every as Duration, // interval() checks it
    fromStart: values["from-start"],
  });
}

if (import.meta.main) await run(() => main(process.argv.slice(2)));
