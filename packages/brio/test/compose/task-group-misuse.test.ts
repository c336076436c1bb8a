import { coroutine, getRunningLoop, RuntimeError, TaskGroup, taskGroup } from "brio";
import { describe, expect, it } from "vitest";
import { errorOf, expectTrace, outcome, trace } from "./trace.ts";

describe("misuse of a task group", () => {
  const work = coroutine(async () => "worked");

  it("that has not been entered takes no task", async () => {
    const group = new TaskGroup();
    expect(() => group.createTask(work())).toThrow(RuntimeError);
    expect(() => group.createTask(work())).toThrow(/has not been entered/);
  });

  it("that has finished takes no task, and names the one it was offered", async () => {
    await trace(async () => {
      const group = new TaskGroup();
      await group.run(() => {});
      expect(() => group.createTask(work())).toThrow(RuntimeError);
      expect(() => group.createTask(work(), { name: "late" })).toThrow(/finished.*"late"/);
    });
  });

  it("closes the coroutine that it refuses, so that nothing reports it as forgotten", async () => {
    await trace(async () => {
      const refused = work();
      expect(() => new TaskGroup().createTask(refused)).toThrow(RuntimeError);
      expect(await errorOf(refused)).toBeInstanceOf(RuntimeError);
    });
  });

  it("can't be entered while its body runs", async () => {
    await trace(async () => {
      const group = new TaskGroup();
      await group.run(async () => {
        const error = await errorOf(group.run(() => {}));
        expect(error).toBeInstanceOf(RuntimeError);
        expect(String(error)).toMatch(/entered before/);
      });
    });
  });

  it("can't be entered a second time", async () => {
    await trace(async () => {
      const group = new TaskGroup();
      await group.run(() => {});
      const error = await errorOf(group.run(() => {}));
      expect(error).toBeInstanceOf(RuntimeError);
      expect(String(error)).toMatch(/entered before/);
    });
  });

  it("needs a task: in a loop callback it is refused, and takes no task afterwards", () =>
    expectTrace(
      async (note) => {
        const loop = getRunningLoop();
        const group = new TaskGroup();
        const refused = loop.createFuture<string>();
        loop.callSoon(() => {
          errorOf(group.run(() => note("the body runs"))).then((error) => refused.setResult(String(error)));
        });
        note((await refused).split(":")[1] ?? "");
        expect(() => group.createTask(work())).toThrow(/has not been entered/);
      },
      ["0  taskGroup() needs a task, and this is a loop callback"],
    ));

  it("needs a running loop", async () => {
    const error = await errorOf(taskGroup(() => {}));
    expect(error).toBeInstanceOf(RuntimeError);
    expect(String(error)).toMatch(/needs a running event loop/);
  });

  it("takes no promise for a task: it could not be cancelled", async () => {
    await trace(async () => {
      const ended = outcome(
        taskGroup((group) => {
          group.createTask(Promise.resolve() as never); // the wrong type, on purpose
        }),
      );
      expect(await ended).toMatch(/TypeError\(group\.createTask\(\) takes a coroutine or a function/);
    });
  });

  it("takes a function as its body, and says so", async () => {
    await trace(async () => {
      const error = await errorOf(taskGroup(Promise.resolve() as never)); // the wrong type, on purpose
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).toMatch(/taskGroup\(async \(group\) =>/);
    });
  });
});
