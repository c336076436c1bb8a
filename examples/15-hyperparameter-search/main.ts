// Looks for the settings with which a small neural network learns best to read handwritten digits. Each trial trains in a
// worker; as soon as others are better it is cancelled. It ends in a table and a chart.
//
//   node examples/15-hyperparameter-search/main.ts [--executor threads] [--trials 16] [--epochs 16] [--seed 1] [--chart FILE]
//
// The same on other machines, which need Redis between them and this one:
//
//   brio-worker examples/15-hyperparameter-search/train.ts --queue trials --connection redis://127.0.0.1:6379
//   node examples/15-hyperparameter-search/main.ts --executor redis://127.0.0.1:6379/trials
//
// (brio-worker is the command of the package @brio/distributed. Here, where nothing is built, it is
// `npx node --conditions=brio-source packages/distributed/src/command/main.ts`.)
import process from "node:process";
import { parseArgs } from "node:util";
import { getRunningLoop, run } from "brio";
import { writeFile } from "brio/files";
import { createExecutor } from "brio/threads";
import { chart } from "./chart.ts";
import { makeTrials, search, type Trial } from "./search.ts";

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const last = ({ accuracies }: Trial): number => accuracies.at(-1) ?? 0;

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      executor: { type: "string", default: process.env.BRIO_EXECUTOR ?? "threads" },
      trials: { type: "string", default: "16" },
      epochs: { type: "string", default: "16" },
      seed: { type: "string", default: "1" },
      chart: { type: "string" },
    },
  });
  const loop = getRunningLoop();
  const started = loop.time();
  const trials = makeTrials(Number(values.trials), Number(values.seed));
  await using executor = await createExecutor(values.executor);
  await search(executor, trials, Number(values.epochs), (trial) => {
    const { number, state, accuracies } = trial;
    console.error(`trial ${number} ${state}: ${percent(last(trial))} after epoch ${accuracies.length}`);
  });
  const took = ((loop.time() - started) / 1000).toFixed(1);

  const ranked = [...trials].sort((a, b) => last(b) - last(a));
  const [best] = ranked;
  if (best === undefined) return;
  console.table(
    ranked.map(({ number, settings: { seed: _, ...settings }, accuracies, state }) => ({
      trial: number,
      ...settings,
      epochs: accuracies.length,
      accuracy: percent(accuracies.at(-1) ?? 0),
      state,
    })),
  );
  const epochs = trials.reduce((sum, { accuracies }) => sum + accuracies.length, 0);
  const all = trials.length * Number(values.epochs);
  console.log(
    `best: trial ${best.number}, ${percent(last(best))}; ${epochs} of ${all} epochs were trained; ${took} s`,
  );
  if (values.chart === undefined) return;
  await writeFile(values.chart, chart(trials, best));
  console.log(`chart: ${values.chart}`);
}

if (import.meta.main) await run(() => main(process.argv.slice(2)));
