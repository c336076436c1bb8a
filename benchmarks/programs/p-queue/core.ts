import PQueue from "p-queue";
import { check, type Peer, range } from "../peer.ts";

const contend = (concurrency: number) => async (tasks: number, turns: number) => {
  const queue = new PQueue({ concurrency });
  let entered = 0;
  const section = async (): Promise<void> => {
    entered++;
  };
  const contender = async (): Promise<void> => {
    for (let turn = 0; turn < turns; turn++) await queue.add(section);
  };
  await Promise.all(range(tasks).map(() => contender()));
  check("sections entered", entered, tasks * turns);
};

const peer: Peer = {
  main: (measurement) => measurement(),
  programs: { lock: contend(1), semaphore: contend(10) },
};

export default peer;
