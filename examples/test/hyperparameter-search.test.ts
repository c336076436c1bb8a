import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "brio";
import { InlineExecutor } from "brio/threads";
import { expect, test } from "vitest";
import { client, describeWithRedis, REDIS_URL } from "../../packages/distributed/test/redis.ts";
import { WorkerProcess } from "../../packages/distributed/test/worker-process.ts";
import { loadDigits } from "../15-hyperparameter-search/digits.ts";
import { makeTrials, search } from "../15-hyperparameter-search/search.ts";
import { train } from "../15-hyperparameter-search/train.ts";
import { Program } from "./program.ts";

const GOOD = { hidden: 16, learningRate: 0.1, momentum: 0.5, batch: 16, seed: 1 };
/** It does not learn at all. */
const BAD = { ...GOOD, learningRate: 0 };

test("15-hyperparameter-search: the data is whole, and no image is on both sides", () => {
  const { training, test } = loadDigits();
  expect(training.labels.length + test.labels.length).toBe(1797);
  expect(training.images.length).toBe(64 * training.labels.length);
  expect([...new Set(test.labels)].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(Math.max(...training.images)).toBe(1);
});

test("15-hyperparameter-search: the network learns to read digits", async () => {
  await run(async () => {
    expect(await train(GOOD, 4)).toBeGreaterThan(0.85);
    expect(await train(BAD, 1)).toBeLessThan(0.3);
  });
});

test("15-hyperparameter-search: those that lose are cancelled, and the others come to their end", async () => {
  await run(async () => {
    await using executor = new InlineExecutor();
    const trials = makeTrials(4, 1).map((trial, i) => ({
      ...trial,
      settings: { ...(i === 3 ? GOOD : i === 0 ? { ...GOOD, seed: 2 } : BAD), hidden: 4 + i },
    }));
    const ended: number[] = [];
    await search(executor, trials, 4, ({ number }) => ended.push(number));
    expect(trials.map(({ state }) => state)).toEqual(["finished", "stopped", "stopped", "finished"]);
    // Of the two that do not learn, one is worse by chance: the other is just not in the worse half of four.
    expect(trials.map(({ accuracies }) => accuracies.length)).toEqual([4, 1, 2, 4]);
    expect(ended.sort()).toEqual([1, 2, 3, 4]);
    expect(executor.statistics()).toMatchObject({ completed: 2, cancelled: 2, busy: 0 });
  });
});

test("15-hyperparameter-search runs as a program, on threads, and draws a chart", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "brio-search-test-"));
  const file = join(folder.path, "chart.svg");
  const args = ["--executor", "threads:2", "--trials", "4", "--epochs", "2", "--chart", file];
  await using program = new Program("15-hyperparameter-search/main.ts", args);
  const { code, lines, stderr } = await program.ended();
  expect(stderr.match(/trial \d (finished|stopped): [\d.]+ % after epoch \d/g)).toHaveLength(4);
  expect(lines.filter((line) => /'(finished|stopped)'/.test(line))).toHaveLength(4);
  expect(lines.at(-2)).toMatch(/^best: trial \d, [\d.]+ %; \d of 8 epochs were trained; [\d.]+ s$/);
  expect(lines.at(-1)).toBe(`chart: ${file}`);
  expect(await readFile(file, "utf8")).toMatch(/^<svg [\s\S]*<path [\s\S]*<\/svg>\n$/);
  expect(code).toBe(0);
});

describeWithRedis("15-hyperparameter-search on another machine", () => {
  test("is the same program", async () => {
    const queue = `brio-test-search-${process.pid}`;
    const redis = client();
    const jobs = fileURLToPath(new URL("../15-hyperparameter-search/train.ts", import.meta.url));
    await run(async () => {
      await using worker = await WorkerProcess.run([jobs, "--queue", queue, "--connection", REDIS_URL]);
      await worker.line(/^brio-worker: functions: train#train/);
      const args = ["--executor", `${REDIS_URL}/${queue}`, "--trials", "3", "--epochs", "2"];
      await using program = new Program("15-hyperparameter-search/main.ts", args);
      const { code, lines } = await program.ended();
      expect(lines.at(-1)).toMatch(/^best: trial \d, [\d.]+ %; \d of 6 epochs were trained; [\d.]+ s$/);
      expect(code).toBe(0);
    });
    const keys = await redis.keys(`bull:${queue}:*`);
    expect(keys.length).toBeGreaterThan(0); // it went through Redis
    await redis.del(keys);
  });
});
