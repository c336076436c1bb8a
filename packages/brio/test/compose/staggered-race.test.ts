import {
  CancelScope,
  createTask,
  currentTask,
  type Duration,
  Event,
  moveOnAfter,
  sleep,
  sleepForever,
  type Timeout,
  taskGroup,
  timeout,
} from "brio";
import { describe, it } from "vitest";
import { expectTrace, expectTraces, type Note, name, outcome } from "./trace.ts";

interface Race<T> {
  winner: T | null;
  index: number | null;
  /** One for each that was started: what it ended with, or null for the winner. */
  errors: unknown[];
}

/**
 * What Happy Eyeballs needs, built from brio's parts: the next one starts when the one before has failed, or after
 * `delay`; the first success cancels the others, and the race ends when all have ended.
 */
async function staggeredRace<T>(
  starts: readonly (() => Promise<T>)[],
  delay: Duration | null,
): Promise<Race<T>> {
  const race: Race<T> = { winner: null, index: null, errors: [] };
  const won = new CancelScope();
  await won.run(() =>
    taskGroup(async (group) => {
      for (const [index, start] of starts.entries()) {
        const failed = new Event();
        race.errors.push(null);
        group.createTask(async () => {
          try {
            race.winner = await start();
            race.index = index;
            for (const task of group.tasks) if (task !== currentTask()) task.cancel();
            won.cancel();
          } catch (error) {
            race.errors[index] = error;
            failed.set();
          }
        });
        await moveOnAfter(delay, () => failed.wait());
      }
    }),
  );
  return race;
}

function show<T>(note: Note, race: Race<T>): void {
  note(
    `${race.winner} (${race.index}): ${race.errors.map((error) => (error === null ? "-" : name(error))).join()}`,
  );
}

describe("a staggered race of a group, scopes and events", () => {
  it("of nobody has no winner", () =>
    expectTrace(
      async (note) => {
        show(note, await staggeredRace([], null));
      },
      ["0 null (null): "],
    ));

  it("is won by the first, without starting the second", () =>
    expectTrace(
      async (note) => {
        show(note, await staggeredRace([async () => "a", async () => "b"], null));
      },
      ["0 a (0): -"],
    ));

  it("is won by the second when the first fails", () =>
    expectTrace(
      async (note) => {
        const race = staggeredRace([() => Promise.reject(new Error("a")), async () => "b"], null);
        show(note, await race);
      },
      ["0 b (1): Error(a),-"],
    ));

  it("is won by the second when the first takes longer than the delay and its own time", () =>
    expectTrace(
      async (note) => {
        show(note, await staggeredRace([() => sleep("10s", "a"), () => sleep(10, "b")], 100));
      },
      ["110 b (1): CancelledError,-"],
    ));

  it("is won by nobody when all fail", () =>
    expectTrace(
      async (note) => {
        const fail = (who: string) => () => Promise.reject(new Error(who));
        show(note, await staggeredRace([fail("a"), fail("b")], null));
      },
      ["0 null (null): Error(a),Error(b)"],
    ));

  it("has one winner when two could end in the same turn", () =>
    expectTrace(
      async (note) => {
        const go = new Event();
        const runner = (who: string) => async () => {
          await go.wait();
          return who;
        };
        const starter = async (): Promise<string> => {
          go.set();
          return await sleepForever();
        };
        show(note, await staggeredRace([runner("a"), runner("b"), starter], 100));
      },
      ["200 a (0): -,CancelledError,CancelledError"],
    ));

  it("goes on with the next when one fails before the delay is over", () =>
    expectTrace(
      async (note) => {
        const failing = async (): Promise<string> => {
          await sleep(10);
          throw new Error("c");
        };
        const race = staggeredRace([() => sleep(2000, "a"), () => sleep(1000, "b"), failing], 250);
        show(note, await race);
      },
      ["1250 b (1): CancelledError,-,Error(c)"],
    ));

  it("cancels those behind the winner before they begin", () =>
    expectTrace(
      async (note) => {
        const starts = [() => Promise.reject(new Error("a")), () => sleep(1000, "b"), () => sleep(0, "c")];
        show(note, await staggeredRace<string>(starts, null));
      },
      ["1000 b (1): Error(a),-"],
    ));

  it("is cancelled from outside once for each who runs, and passes that on", () =>
    expectTraces(
      async (note) => {
        const timeouts: Timeout[] = [];
        const runner = async (): Promise<void> => {
          for (const [i, t] of timeouts.entries()) {
            t.reschedule(-1);
            await sleep(0);
            note(`wait ${i + 1}: ${await outcome(sleep(0))}`);
          }
        };
        const ended = timeout(null, (outer) =>
          timeout(null, async (inner) => {
            timeouts.push(inner, outer);
            await staggeredRace([runner], null).catch((error) => {
              note(`race: ${name(error)}`);
              throw error;
            });
          }),
        );
        note(await outcome(ended));
      },
      {
        once: ["0 wait 1: CancelledError", "0 wait 2: done", "0 race: CancelledError", "0 TimeoutError"],
        sticky: ["0 wait 1: CancelledError", "0 race: CancelledError", "0 TimeoutError"],
      },
    ));

  it("leaves nobody behind when it is cancelled", () =>
    expectTrace(
      async (note) => {
        const runner = (who: string) => async () => {
          try {
            await sleep(1000);
          } finally {
            note(`${who} ends`);
          }
        };
        const race = createTask(() => staggeredRace([runner("a"), runner("b"), runner("c")], 10));
        await sleep(15);
        race.cancel();
        note(await outcome(race));
      },
      ["15 a ends", "15 b ends", "15 CancelledError"],
    ));
});
