import { Mutex, Semaphore } from "async-mutex";
import { check, type Peer, range } from "../peer.ts";

const contend = (make: () => Mutex | Semaphore) => async (tasks: number, turns: number) => {
  const resource = make();
  let entered = 0;
  const section = (): void => {
    entered++;
  };
  const contender = async (): Promise<void> => {
    for (let turn = 0; turn < turns; turn++) await resource.runExclusive(section);
  };
  await Promise.all(range(tasks).map(() => contender()));
  check("sections entered", entered, tasks * turns);
};

const peer: Peer = {
  main: (measurement) => measurement(),
  programs: { lock: contend(() => new Mutex()), semaphore: contend(() => new Semaphore(10)) },
};

export default peer;
