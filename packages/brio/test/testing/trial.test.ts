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

  it("refuses what does not tell its state", async () => {
    // @ts-expect-error: a number has no statistics
    expect(await problemsOf((trial) => trial.watch(42))).toEqual([
      "trial.watch() takes something with statistics(), such as a Lock; got 42",
    ]);
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

describe("trial.watch, while nothing is ready", () => {
  /** What is wrong when `resource` tells these statistics for as long as the program runs. */
  async function atRest<R extends Watchable>(resource: R, statistics: object): Promise<string[]> {
    let running = true;
    const truth = resource.statistics.bind(resource);
    return problemsOf(async (trial) => {
      resource.statistics = () => (running ? { ...truth(), ...statistics } : truth());
      trial.watch(resource);
      await sleep("1s");
      await sleep("1s");
      running = false;
    });
  }

  it("finds somebody who waits for what could be had, and says so once", async () => {
    const lost = (problems: string[]) =>
      problems.map((problem) => problem.replace(/.*nothing is ready, but /, ""));
    expect(lost(await atRest(new Lock(), { waiting: 2 }))).toEqual(["2 wait for a lock that is free"]);
    expect(lost(await atRest(new Semaphore(3), { waiting: 1 }))).toEqual([
      "1 wait for a permit, and 3 can be had",
    ]);
    expect(lost(await atRest(new Event(), { set: true, waiting: 1 }))).toEqual([
      "1 wait for an event that is set",
    ]);
    expect(lost(await atRest(new Condition(), { waitingForLock: 1 }))).toEqual([
      "1 wait for a lock that is free",
    ]);
    expect(lost(await atRest(new Queue(), { size: 2, gettersWaiting: 1 }))).toEqual([
      "1 wait for an item, and 2 can be had",
    ]);
    expect(lost(await atRest(new Queue(1), { puttersWaiting: 1 }))).toEqual([
      "1 wait for room, and there is some",
    ]);
    expect(lost(await atRest(new Queue(), { shutDown: true, gettersWaiting: 1 }))).toEqual([
      "somebody waits, and it was shut down",
    ]);
    expect(lost(await atRest(new Queue(), { size: 2, unfinished: 1 }))).toEqual([
      "it holds 2 items, and only 1 are unfinished",
    ]);
  });

  it("has nothing against somebody who waits for what can't be had", async () => {
    expect(await atRest(new Lock(), { locked: true, waiting: 2 })).toEqual([
      "<Lock unlocked, 0 waiting>: locked is false at the end, and was true",
    ]);
    expect(await atRest(new Condition(), { waiting: 2 })).toEqual([]);
    expect(await atRest(new Event(), { waiting: 2 })).toEqual([]);
    expect(await atRest(new Queue(), { gettersWaiting: 2 })).toEqual([]);
  });
});
