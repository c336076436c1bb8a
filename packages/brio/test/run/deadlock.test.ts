import { createTask, DeadlockError, Event, getRunningLoop, Lock, Queue, sleep, taskGroup, wait } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

/** The report that a main which can't go on gets. */
async function deadlockOf(main: () => Promise<unknown>): Promise<DeadlockError> {
  const error = await runVirtual(main).then(
    () => expect.unreachable("main went on"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DeadlockError);
  return error as DeadlockError; // checked above
}

/** The names in a circle, turned so that the first in the alphabet comes first. */
function turned(cycle: readonly string[] | null): string[] {
  const names = [...(cycle ?? [])];
  const first = names.indexOf([...names].sort()[0] ?? "");
  return [...names.slice(first), ...names.slice(0, first)];
}

describe("a virtual run in which nothing can go on", () => {
  it("rejects at once, and lists what each task waits for", async () => {
    const { message, tasks, cycle } = await deadlockOf(async () => {
      const queue = new Queue<number>(3);
      createTask(() => queue.get(), { name: "consumer" });
      await sleep("1s");
      await new Event().wait();
    });
    expect(tasks.map(({ name, waits }) => [name, waits[0]?.kind, waits[0]?.seconds])).toEqual([
      ["main", "event.wait", 0],
      ["consumer", "queue.get", 1],
    ]);
    expect(cycle).toBeNull();
    expect(message).toMatch(/^nothing is left that could wake this program, and 2 tasks still wait:\n/);
    expect(message).toMatch(
      /\n {2}main {6}event\.wait on .* for 0 s\n {2}consumer {2}queue\.get on .* for 1 s$/,
    );
  });

  it("does so in its own time, when the last timer has gone off", async () => {
    let time = -1;
    await deadlockOf(async () => {
      const loop = getRunningLoop();
      createTask(() => sleep("1h"));
      try {
        await loop.createFuture();
      } finally {
        time = loop.time();
      }
    });
    expect(time).toBe(3_600_000);
  });

  it("lets main clean up: it is cancelled, with the report as the reason", async () => {
    const log: string[] = [];
    const error = await deadlockOf(async () => {
      try {
        await getRunningLoop().createFuture();
      } catch (caught) {
        log.push((caught as Error).name, (caught as { reason: Error }).reason.name);
        throw caught;
      }
    });
    expect([error.name, ...log]).toEqual(["DeadlockError", "CancelledError", "DeadlockError"]);
  });

  it("rejects with the report even if main swallows that", async () => {
    const { tasks } = await deadlockOf(() =>
      getRunningLoop()
        .createFuture()
        .catch(() => "never mind"),
    );
    expect(tasks).toHaveLength(1);
  });

  it("says so when a task sits in nothing at all of brio's own", async () => {
    const error = await deadlockOf(async () => {
      const future = getRunningLoop().createFuture();
      createTask(() => future, { name: "other" });
      await wait([future]);
    });
    expect(error.tasks.map(({ waits }) => waits[0]?.kind)).toEqual(["wait", "future"]);
  });
});

describe("the circle", () => {
  it("of two locks that are taken in opposite orders is named", async () => {
    const { cycle, message } = await deadlockOf(async () => {
      const [left, right] = [new Lock(), new Lock()];
      const take = async (first: Lock, second: Lock): Promise<void> => {
        await first.acquire();
        await sleep(1);
        await second.acquire();
      };
      await taskGroup(async (group) => {
        group.createTask(() => take(left, right), { name: "left first" });
        group.createTask(() => take(right, left), { name: "right first" });
      });
    });
    expect(turned(cycle)).toEqual(["left first", "right first"]);
    expect(message).toMatch(
      /they wait in a circle: (left first -> right first -> left|right first -> left first -> right) first$/,
    );
  });

  it("of tasks that await one another is named", async () => {
    const { cycle } = await deadlockOf(async () => {
      const names = ["a", "b", "c"];
      const tasks: Promise<unknown>[] = [];
      names.forEach((name, i) => {
        const next = async (): Promise<unknown> => {
          await sleep(1);
          return await tasks[(i + 1) % names.length];
        };
        tasks.push(createTask(next, { name }) as unknown as Promise<unknown>);
      });
      await tasks[0];
    });
    expect(turned(cycle)).toEqual(["a", "b", "c"]);
  });

  it("of a lock and a task is named", async () => {
    const { cycle } = await deadlockOf(async () => {
      const lock = new Lock();
      await lock.acquire();
      await createTask(() => lock.acquire(), { name: "wants the lock" });
    });
    expect(turned(cycle)).toEqual(["main", "wants the lock"]);
  });

  it("of one: a task that wants the lock it holds", async () => {
    const { cycle } = await deadlockOf(async () => {
      const lock = new Lock();
      await lock.acquire();
      await lock.acquire();
    });
    expect(cycle).toEqual(["main"]);
  });

  it("is null where there is none, only waits without hope", async () => {
    const { cycle } = await deadlockOf(async () => {
      await createTask(() => new Event().wait());
    });
    expect(cycle).toBeNull();
  });
});
