import { createTask, Event, gather, getRunningLoop, Lock, Queue, run, sleep, taskGroup, wait } from "brio";
import {
  captureCallGraph,
  describeTask,
  type FutureCallGraph,
  formatCallGraph,
  formatTaskTree,
  printCallGraph,
  taskTree,
} from "brio/inspect";
import { runVirtual } from "brio/testing";
import { describe, expect, it } from "vitest";

function names(graph: FutureCallGraph | null): unknown {
  if (graph === null) return null;
  const name =
    "getName" in graph.future ? (graph.future as { getName(): string }).getName() : String(graph.future);
  return graph.awaitedBy.length === 0 ? name : [name, ...graph.awaitedBy.map(names)];
}

describe("describeTask", () => {
  it("says what a task waits for, on what, and since when", async () => {
    await runVirtual(async () => {
      const queue = new Queue<number>(3);
      await sleep(20);
      const task = createTask(() => queue.get(), { name: "reader" });
      await sleep(5);
      expect(describeTask(task)).toMatchObject({
        name: "reader",
        state: "waiting",
        cancelling: 0,
        waits: [{ kind: "queue.get", resource: "<Queue 0 of 3>", since: 20 }],
      });
      await queue.put(1);
      await task;
      expect(describeTask(task)).toMatchObject({ state: "done", waits: [] });
    });
  });

  it("lists the waits of all branches of a Promise.all, oldest first", async () => {
    await runVirtual(async () => {
      const [event, lock] = [new Event(), new Lock()];
      await lock.acquire();
      const task = createTask(async () => {
        await Promise.all([event.wait(), sleep(1).then(() => lock.acquire()), sleep(100)]);
      });
      await sleep(2);
      expect(describeTask(task).waits.map(({ kind }) => kind)).toEqual([
        "sleep",
        "event.wait",
        "lock.acquire",
      ]);
      task.cancel();
      await task.catch(() => {});
    });
  });

  it("knows the lines that created the task and that wait, in debug mode only", async () => {
    const lines = async (debug: boolean) =>
      await runVirtual(
        async () => {
          const task = createTask(async () => {
            await sleep(10);
          });
          await sleep(1);
          const { created, waits } = describeTask(task);
          return [created, waits[0]?.lines ?? []];
        },
        { debug },
      );
    const [created, waiting] = (await lines(true)) as [string[], string[]];
    expect(created[0]).toContain("inspect.test.ts");
    expect(waiting[0]).toContain("inspect.test.ts");
    expect(await lines(false)).toEqual([[], []]);
  });
});

describe("taskTree", () => {
  it("puts each task under its creator", async () => {
    await runVirtual(async () => {
      const nest = () => taskGroup((inner) => void inner.createTask(() => sleep(50), { name: "grandchild" }));
      await taskGroup(async (group) => {
        group.createTask(nest, { name: "child" });
        group.createTask(() => sleep(50), { name: "sibling" });
        await sleep(2);
        const [root] = taskTree();
        expect(root?.name).toBe("main");
        expect(root?.children.map(({ name }) => name)).toEqual(["child", "sibling"]);
        expect(root?.children[0]?.children.map(({ name }) => name)).toEqual(["grandchild"]);
      });
    });
  });

  it("puts a task at the top when its creator has ended", async () => {
    await runVirtual(async () => {
      await createTask(async () => void createTask(() => sleep(50), { name: "orphan" }));
      expect(taskTree().map(({ name }) => name)).toEqual(["main", "orphan"]);
    });
  });

  it("shows what each task does in one line", async () => {
    await runVirtual(async () => {
      createTask(() => sleep(50), { name: "napper" });
      await sleep(2);
      expect(formatTaskTree(taskTree())).toBe(
        ["└─ main  running", "   └─ napper  sleep on the clock for 0.002 s"].join("\n"),
      );
    });
  });

  it("takes a loop from outside of it", async () => {
    let seen: string[] = [];
    await run(
      async () => {
        const loop = getRunningLoop();
        createTask(() => sleep(1000), { name: "napper" });
        await new Promise<void>((resolve) =>
          queueMicrotask(() => {
            seen = taskTree(loop).map(({ name }) => name);
            resolve();
          }),
        );
      },
      { handleSignals: false },
    );
    expect(seen).toEqual(["main"]);
  });
});

describe("captureCallGraph", () => {
  it("goes from a task to who awaits it, and on to the top", async () => {
    await runVirtual(async () => {
      const leaf = createTask(() => sleep(10), { name: "leaf" });
      const middle = createTask(async () => await leaf, { name: "middle" });
      createTask(async () => await middle, { name: "top" });
      await sleep(1);
      expect(names(captureCallGraph(leaf))).toEqual(["leaf", ["middle", "top"]]);
    });
  });

  it("sees through gather, wait and groups", async () => {
    await runVirtual(async () => {
      const leaf = createTask(() => sleep(10), { name: "leaf" });
      createTask(() => gather(leaf), { name: "gatherer" });
      createTask(() => wait([leaf]), { name: "waiter" });
      let child = leaf;
      createTask(
        () =>
          taskGroup((group) => {
            child = group.createTask(() => sleep(10), { name: "child" });
          }),
        { name: "parent" },
      );
      await sleep(1);
      expect(names(captureCallGraph(leaf))).toEqual(["leaf", "gatherer", "waiter"]);
      expect(names(captureCallGraph(child))).toEqual(["child", "parent"]);
    });
  });

  it("shows a circle once around", async () => {
    await runVirtual(async () => {
      const tasks: { a?: PromiseLike<unknown>; b?: PromiseLike<unknown> } = {};
      const a = createTask(async () => await tasks.b, { name: "a" });
      const b = createTask(async () => await tasks.a, { name: "b" });
      Object.assign(tasks, { a, b });
      await sleep(1);
      expect(names(captureCallGraph(a))).toEqual(["a", ["b", "a"]]);
    });
  });

  it("is null outside a task, and the running task's inside one", async () => {
    expect(captureCallGraph()).toBeNull();
    await runVirtual(async () => {
      const graph = captureCallGraph();
      expect(names(graph)).toBe("main");
      expect(graph?.callStack[0]).toContain("inspect.test.ts");
    });
  });

  it("cuts stacks to the outermost or the innermost lines", async () => {
    await runVirtual(async () => {
      const all = captureCallGraph()?.callStack ?? [];
      expect(all.length).toBeGreaterThan(0);
      expect(captureCallGraph(null, { limit: 0 })?.callStack).toEqual([]);
      expect(captureCallGraph(null, { limit: 1 })?.callStack).toHaveLength(1);
      expect(captureCallGraph(null, { limit: -1 })?.callStack).toHaveLength(1);
      expect(() => captureCallGraph(null, { limit: 1.5 })).toThrow(RangeError);
    });
  });

  it("is printed as asyncio prints it", async () => {
    await runVirtual(async () => {
      const leaf = createTask(() => sleep(10), { name: "leaf" });
      createTask(async () => await leaf, { name: "top" });
      await sleep(1);
      const lines = ['* <Task "leaf" pending>', "  + Awaited by:", '    * <Task "top" pending>'];
      expect(formatCallGraph(leaf)).toBe(lines.join("\n"));
      let written = "";
      printCallGraph(leaf, { stream: { write: (text: string) => (written += text) } });
      expect(written).toBe(`${lines.join("\n")}\n`);
    });
  });
});
