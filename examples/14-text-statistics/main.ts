// How many words the texts in a folder and its folders have, and which come most often. Taking text apart is work for the
// processor: each file goes to a worker, and the main thread stays free. The walk runs no further ahead than the workers need.
//
//   node examples/14-text-statistics/main.ts [FOLDER] [--suffix .md] [--executor threads] [--most 10]
import { relative } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { getRunningLoop, run } from "brio";
import { walk } from "brio/files";
import { createExecutor, type Executor } from "brio/threads";
import { type Counts, count } from "./count.ts";

export interface Summary {
  readonly files: readonly Counts[];
  readonly words: number;
  readonly of: ReadonlyMap<string, number>;
}

async function* texts(folder: string, suffix: string): AsyncGenerator<string> {
  for await (const { path, kind } of walk(folder)) if (kind === "file" && path.endsWith(suffix)) yield path;
}

export async function statistics(executor: Executor, folder: string, suffix: string): Promise<Summary> {
  const files: Counts[] = [];
  const of = new Map<string, number>();
  let words = 0;
  // The order does not matter: a long text must not keep those behind it waiting.
  for await (const counts of executor.map(count, texts(folder, suffix), { ordered: false })) {
    files.push(counts);
    words += counts.words;
    for (const [word, times] of counts.of) of.set(word, (of.get(word) ?? 0) + times);
  }
  return { files: files.sort((a, b) => b.words - a.words), words, of };
}

export async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      suffix: { type: "string", default: ".md" },
      executor: { type: "string", default: process.env.BRIO_EXECUTOR ?? "threads" },
      most: { type: "string", default: "10" },
    },
    allowPositionals: true,
  });
  const folder = positionals[0] ?? "docs";
  const loop = getRunningLoop();
  const started = loop.time();
  await using executor = await createExecutor(values.executor);
  const { files, words, of } = await statistics(executor, folder, values.suffix);
  const rows = files.slice(0, Number(values.most)).map(({ path, lines, words, sentences, of }) => ({
    file: relative(folder, path),
    lines,
    words,
    "different words": of.size,
    "words a sentence": Number((words / sentences).toFixed(1)),
  }));
  console.table(rows);
  const most = [...of].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).slice(0, Number(values.most));
  console.log(`most often: ${most.map(([word, times]) => `${word} (${times})`).join(", ")}`);
  const took = ((loop.time() - started) / 1000).toFixed(2);
  console.log(`${files.length} texts, ${words} words, ${of.size} different ones, in ${took} s`);
}

if (import.meta.main) await run(() => main(process.argv.slice(2)));
