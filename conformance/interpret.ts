/** Runs one scenario in virtual time and gives its trace: the root task of README §2. */
import type { Task } from "brio";
import { allTasks, createTask, getRunningLoop, run, wait } from "brio";
import { VirtualClock } from "brio/testing";
import { describe, guarded } from "./guard.ts";
import { ObjectTable } from "./objects.ts";
import { parseScenario } from "./parse.ts";
import type { Scenario } from "./scenario.ts";
import { language } from "./statements.ts";
import { formatError } from "./values.ts";
import { nameOf, type Trace, World } from "./world.ts";

export type Cancellation = "sticky" | "once";
/** `unhandled`: rejections that nobody took. They are no part of a trace, but brio must not cause any. */
export type Result =
  | { readonly trace: Trace; readonly unhandled: readonly string[] }
  | { readonly error: string };

/**
 * Never rejects: a scenario that is malformed, runs away or breaks the interpreter gives an `error`.
 *
 * `patience` is how many real milliseconds may pass until the scenario counts as hung.
 */
export async function interpret(
  json: unknown,
  cancellation: Cancellation,
  patience = 20_000,
): Promise<Result> {
  try {
    const scenario = parseScenario(json);
    return await guarded(() => play(scenario, cancellation), patience);
  } catch (error) {
    return { error: describe(error) };
  }
}

async function play(scenario: Scenario, cancellation: Cancellation): Promise<Trace> {
  const root = async (): Promise<World> => {
    const world = new World(getRunningLoop(), new ObjectTable(scenario.objects), language);
    traceLoopErrors(world);
    for (const [name, future] of world.objects.futures()) world.adopt(name, future);
    await runMain(world, scenario);
    await shutDown(world);
    await inspect(world);
    await closeAfterNextIteration(world);
    return world;
  };
  const world = await run(root, {
    name: "root",
    clock: new VirtualClock(),
    cancellation,
    handleSignals: false,
  });
  if (world.aborted !== null) throw world.aborted;
  return world.trace;
}

/** The three reports of the loop that don't depend on garbage collection. */
const loopErrors = [
  ["Exception in callback", "callback"],
  ["in shielded future", "shield"],
  ["but its parent", "group-parent"],
] as const;

function traceLoopErrors(world: World): void {
  world.loop.setExceptionHandler((_loop, { message, exception }) => {
    const kind = loopErrors.find(([part]) => message.includes(part))?.[1];
    if (kind === undefined) return;
    world.log("*", `loop_error ${kind} ${exception == null ? "none" : formatError(exception)}`);
  });
}

async function runMain(world: World, { main: block, deadline }: Scenario): Promise<void> {
  const main = createTask(world.coroutine("main", block), { name: "main" });
  world.adopt("main", main);
  let limit = deadline;
  for (let k = 1; ; k += 1) {
    const { done } = await wait([main], { timeout: limit });
    if (done.size > 0) return;
    world.log("*", `deadline ${k}`);
    if (k > 3) return;
    main.cancel("deadline");
    limit = 501;
  }
}

async function shutDown(world: World): Promise<void> {
  for (let k = 1; ; k += 1) {
    const left = [...allTasks()].filter((task: Task<unknown>) => task.getName() !== "root");
    if (left.length === 0) return;
    world.log("*", `shutdown ${k} [${left.map(nameOf).join(",")}]`);
    if (k > 40) {
      world.log("*", "stuck");
      return;
    }
    for (const task of left) task.cancel("shutdown");
    await wait(left, { timeout: 1009 });
  }
}

/** CPython's loop goes on for one iteration after its root task has ended: what is ready still runs. */
async function closeAfterNextIteration(world: World): Promise<void> {
  const closed = world.loop.createFuture<void>();
  // A timer that is due runs last in its iteration.
  world.loop.callLater(0, () => {
    world.close();
    closed.setResult();
  });
  await closed;
}

async function inspect(world: World): Promise<void> {
  for (const name of world.objects.names()) {
    const state = await world.objects.finalState(name, (future) => world.state(future));
    world.log("*", `final ${name} ${state}`);
  }
  for (const [name, value] of [...world.vars].sort(([a], [b]) => (a < b ? -1 : 1))) {
    world.log("*", `final ${name} ${value}`);
  }
}
