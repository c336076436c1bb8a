import { Barrier, Condition, createTask, Event, Lock, Queue, Semaphore, sleep } from "brio";
import { explore, type Trial, TrialError, type Watchable } from "brio/testing";
import { describe, expect, it } from "vitest";

/** What a program's one run has against it. */
async function problemsOf(program: (trial: Trial) => unknown): Promise<string[]> {
  const error = await explore(program, { seeds: [0] }).catch((reason: unknown) => reason);
  if (error === undefined || !(error instanceof Error)) return [];
  expect(error).toBeInstanceOf(TrialError);
  return (error as TrialError).problems.map((problem) => (problem as Error).message);
}

/** A resource whose statistics are given one after the other. */
function resource(...statistics: object[]): Watchable {
  return { statistics: () => statistics.shift() ?? {}, toString: () => "<resource>" };
}

describe("trial.watch", () => {
  it("returns what it is given", async () => {
    await explore(
      (trial) => {
        const lock = new Lock();
        expect(trial.watch(lock)).toBe(lock);
      },
      { seeds: 1 },
    );
  });

  it("finds a lock that is still locked", async () => {
    const problems = await problemsOf((trial) => trial.watch(new Lock()).acquire());
    expect(problems).toEqual([
      '<Lock locked by "main", 0 waiting>: locked is true at the end, and was false',
    ]);
  });

  it("finds a semaphore with too few or too many permits", async () => {
    expect(await problemsOf((trial) => trial.watch(new Semaphore(3)).acquire())).toEqual([
      "<Semaphore value 2, 0 waiting>: value is 2 at the end, and was 3",
    ]);
    expect(await problemsOf((trial) => trial.watch(new Semaphore(3)).release())).toEqual([
      "<Semaphore value 4, 0 waiting>: value is 4 at the end, and was 3",
    ]);
  });

  it("finds a condition whose lock is held, and a broken barrier", async () => {
    expect(await problemsOf((trial) => trial.watch(new Condition()).acquire())).toEqual([
      "<Condition locked, 0 waiting>: locked is true at the end, and was false",
    ]);
    expect(await problemsOf((trial) => trial.watch(new Barrier(2)).abort())).toEqual([
      "<Barrier broken, 0 of 2>: broken is true at the end, and was false",
    ]);
  });

  it("finds anything that counts somebody who waits", async () => {
    expect(await problemsOf((trial) => trial.watch(resource({}, { waiting: 1, gettersWaiting: 2 })))).toEqual(
      [
        "<resource>: waiting is 1 at the end, and should be 0, gettersWaiting is 2 at the end, and should be 0",
      ],
    );
  });

  it("has nothing against what may differ: a queue's items, an event's flag", async () => {
    const problems = await problemsOf(async (trial) => {
      await trial.watch(new Queue<number>()).put(1);
      trial.watch(new Event()).set();
      const lock = trial.watch(new Lock());
      const waiter = createTask(() => lock.with(() => sleep("1s")));
      await lock.with(() => sleep("1s"));
      await waiter;
    });
    expect(problems).toEqual([]);
  });
});
