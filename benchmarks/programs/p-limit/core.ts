import pLimit from "p-limit";
import { check, type Peer, range } from "../peer.ts";

const contend = (permits: number) => async (tasks: number, turns: number) => {
  const limit = pLimit(permits);
  let entered = 0;
  const section = (): void => {
    entered++;
  };
  const contender = async (): Promise<void> => {
    for (let turn = 0; turn < turns; turn++) await limit(section);
  };
  await Promise.all(range(tasks).map(() => contender()));
  check("sections entered", entered, tasks * turns);
};

const peer: Peer = {
  main: (measurement) => measurement(),
  programs: { lock: contend(1), semaphore: contend(10) },
};

export default peer;
