// What runs in a worker: one trial. Between two epochs it tells how far it is, and can be cancelled.
import { checkpoint } from "brio";
import { reference, reportProgress } from "brio/threads";
import { loadDigits } from "./digits.ts";
import { Network, type Settings } from "./network.ts";

export interface Progress {
  readonly epoch: number;
  readonly accuracy: number;
}

let digits: ReturnType<typeof loadDigits> | undefined; // once for each worker

export const train = reference(
  import.meta.url,
  "train",
  async (settings: Settings, epochs: number): Promise<number> => {
    digits ??= loadDigits();
    const network = new Network(settings);
    let accuracy = 0;
    for (let epoch = 1; epoch <= epochs; epoch++) {
      network.learn(digits.training);
      accuracy = network.accuracy(digits.test);
      reportProgress({ epoch, accuracy } satisfies Progress);
      await checkpoint();
    }
    return accuracy;
  },
);
