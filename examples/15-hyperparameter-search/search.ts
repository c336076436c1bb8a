// The search: trials with settings at random. Those that lose are cancelled, so that the workers have time for others.
import { type Task, taskGroup } from "brio";
import type { Executor } from "brio/threads";
import type { Settings } from "./network.ts";
import { randomFrom } from "./random.ts";
import { type Progress, train } from "./train.ts";

export interface Trial {
  readonly number: number;
  readonly settings: Settings;
  /** After each epoch. */
  readonly accuracies: number[];
  state: "waiting" | "running" | "finished" | "stopped";
}

/** Settings at random: the same ones for the same seed. */
export function makeTrials(count: number, seed: number): Trial[] {
  const random = randomFrom(seed);
  const one = <T>(...of: readonly [T, ...T[]]): T => of[Math.floor(random() * of.length)] ?? of[0];
  return Array.from({ length: count }, (_, i) => ({
    number: i + 1,
    settings: {
      hidden: one(4, 8, 16, 32, 64),
      learningRate: Number((10 ** (-3 + 3 * random())).toPrecision(2)),
      momentum: one(0, 0.5, 0.9),
      batch: one(8, 32, 128),
      seed: Math.floor(random() * 2 ** 32),
    },
    accuracies: [],
    state: "waiting",
  }));
}

/**
 * Successive halving, without waiting for each other (ASHA): of all trials that have come to an epoch of 1, 2, 4, 8, ..., only the
 * better half goes on.
 */
function isLost(trial: Trial, trials: readonly Trial[]): boolean {
  const rung = 2 ** Math.floor(Math.log2(trial.accuracies.length));
  const accuracy = trial.accuracies[rung - 1] ?? 0;
  const others = trials.filter(({ accuracies }) => accuracies.length >= rung);
  return others.filter(({ accuracies }) => (accuracies[rung - 1] ?? 0) > accuracy).length > others.length / 2;
}

/** Runs all trials; `show` is told of each that has ended. */
export async function search(
  executor: Executor,
  trials: readonly Trial[],
  epochs: number,
  show: (trial: Trial) => void,
): Promise<void> {
  const tasks = new Map<Trial, Task<number>>();
  const got = (trial: Trial, { accuracy }: Progress): void => {
    trial.accuracies.push(accuracy);
    for (const each of trials) {
      if (each.state !== "running" || each.accuracies.length === epochs || !isLost(each, trials)) continue;
      each.state = "stopped";
      tasks.get(each)?.cancel("others are better");
    }
  };
  await taskGroup(async (group) => {
    for (const trial of trials) {
      const onProgress = (progress: Progress): void => {
        if (trial.state === "stopped") return;
        trial.state = "running";
        got(trial, progress);
      };
      const task = executor
        .with({ onProgress, name: `trial ${trial.number}` })
        .submit(train, trial.settings, epochs);
      tasks.set(trial, task);
      group.createTask(async () => {
        try {
          await task;
          trial.state = "finished";
        } catch (error) {
          if (trial.state !== "stopped") throw error;
        }
        show(trial);
      });
    }
  });
}
