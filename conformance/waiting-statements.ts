/** The statements that wait for tasks, futures and objects (README §4). */
import type { Future } from "brio";
import { asCompleted, CancelledError, gather, shield, TimeoutError, wait, waitFor } from "brio";
import { describeTask } from "brio/inspect";
import type { AsyncHandlers } from "./block-statements.ts";
import { delay } from "./block-statements.ts";
import type { StatementOf, Target } from "./scenario.ts";
import { announce, create } from "./sync-statements.ts";
import { format, formatError } from "./values.ts";
import type { Returning, World } from "./world.ts";

const optionalDelay = (d: number | null): number | null => (d === null ? null : delay(d));

type Awaited = Future<unknown> | (() => Promise<unknown>);

/** What an op that takes a handle or a body waits for, and how the trace calls it. */
function resolve(
  world: World,
  actor: string,
  op: string,
  target: Target,
): { name: string; source: Awaited } | null {
  if ("body" in target) {
    const name = world.unique(target.as);
    return { name, source: world.coroutine(name, target.body) };
  }
  const source = world.handle(actor, op, target.h);
  return source === null ? null : { name: target.h, source };
}

/** The handles that exist, without duplicates. */
function pick(
  world: World,
  actor: string,
  op: string,
  names: readonly string[],
): Map<Future<unknown>, string> {
  const picked = new Map<Future<unknown>, string>();
  for (const name of names) {
    const handle = world.handle(actor, op, name);
    if (handle !== null && !picked.has(handle)) picked.set(handle, name);
  }
  return picked;
}

type TaskOp = "await" | "wait_for" | "shield" | "gather" | "wait" | "as_completed";
export const taskWaits: AsyncHandlers<TaskOp> = {
  await: async (world, actor, { h }) => {
    const handle = world.handle(actor, "await", h);
    if (handle === null) return undefined;
    return await world.outcome(actor, `await ${h}`, () => handle);
  },

  wait_for: async (world, actor, { target, d }) => {
    const found = resolve(world, actor, "wait_for", target);
    if (found === null) return undefined;
    const { name, source } = found;
    return await world.outcome(actor, `wait_for ${name} ${format(d)}`, () =>
      waitFor(source, optionalDelay(d)),
    );
  },

  shield: async (world, actor, { target }) => {
    const found = resolve(world, actor, "shield", target);
    if (found === null) return undefined;
    return await world.outcome(actor, `shield ${found.name}`, () => shield(found.source));
  },

  gather: async (world, actor, { items, re, as }) => {
    const found = items.map((item) => resolve(world, actor, "gather", item)).filter((item) => item !== null);
    const names = format(found.map(({ name }) => name));
    const all = gather(
      found.map(({ source }) => source),
      { returnExceptions: re },
    );
    if (as === null) return await world.outcome(actor, `gather ${names}`, () => all);
    const label = world.unique(as);
    world.handles.set(as, all);
    world.adopt(label, all);
    world.log(actor, `gather_start ${label} ${names}`);
    return undefined;
  },

  wait: async (world, actor, { hs, d, when }) => {
    const picked = pick(world, actor, "wait", hs);
    if (picked.size === 0) return undefined;
    const sorted = (futures: ReadonlySet<Future<unknown>>): string[] =>
      [...picked]
        .filter(([future]) => futures.has(future))
        .map(([, name]) => name)
        .sort();
    return await world.outcome(
      actor,
      `wait ${when} ${format([...picked.values()])} ${format(d)}`,
      async () => {
        const { done, pending } = await wait(picked.keys(), { timeout: optionalDelay(d), returnWhen: when });
        return [sorted(done), sorted(pending)];
      },
    );
  },

  as_completed: async (world, actor, statement) => {
    const picked = pick(world, actor, "as_completed", statement.hs);
    dropDone(picked);
    if (picked.size === 0) return undefined;
    if (statement.mode === "plain") await plainAsCompleted(world, actor, statement, picked);
    else await asyncAsCompleted(world, actor, statement, picked);
    world.log(actor, "as_completed end");
    return undefined;
  },
};

/** asyncio iterates a set, so the order of futures that are done already is arbitrary there: the first is kept. */
function dropDone(picked: Map<Future<unknown>, string>): void {
  let seen = false;
  for (const future of picked.keys()) {
    if (!future.done()) continue;
    if (seen) picked.delete(future);
    seen = true;
  }
}

type AsCompleted = StatementOf<"as_completed">;

async function plainAsCompleted(
  world: World,
  actor: string,
  { d, on_error }: AsCompleted,
  picked: ReadonlyMap<Future<unknown>, string>,
): Promise<void> {
  for (const next of asCompleted(picked.keys(), { timeout: optionalDelay(d) })) {
    try {
      await world.outcome(actor, "as_completed", () => next);
    } catch (error) {
      if (error instanceof CancelledError || on_error === "raise") throw error;
    }
  }
}

async function asyncAsCompleted(
  world: World,
  actor: string,
  { d, on_error }: AsCompleted,
  picked: ReadonlyMap<Future<unknown>, string>,
): Promise<void> {
  try {
    for await (const completed of asCompleted(picked.keys(), { timeout: optionalDelay(d) })) {
      const future = completed as Future<unknown>; // one of those picked, typed without `then`
      world.log(actor, `as_completed -> ${picked.get(future)}:${world.state(future)}`);
    }
  } catch (error) {
    world.log(actor, `as_completed ! ${formatError(error)}`);
    if (!(error instanceof TimeoutError && on_error === "continue")) throw error;
  }
}

type ObjectOp =
  | "acquire"
  | "wait_event"
  | "cond_wait"
  | "cond_wait_for"
  | "barrier_wait"
  | "barrier_reset"
  | "barrier_abort"
  | "put"
  | "get"
  | "join";
export const objectWaits: AsyncHandlers<ObjectOp> = {
  acquire: (world, actor, { o }) => {
    const wanted = world.findAcquirable(o);
    // brio resolves with the lock itself, asyncio with True.
    return world.outcome(actor, `acquire ${o}`, () => wanted.acquire().then(() => true));
  },
  wait_event: (world, actor, { o }) =>
    world.outcome(actor, `wait_event ${o}`, () => world.find("event", o).wait()),
  cond_wait: (world, actor, { o }) =>
    world.outcome(actor, `cond_wait ${o}`, () => world.find("condition", o).wait()),
  cond_wait_for: (world, actor, { o, var: name, ge }) => {
    const enough = (): boolean => (world.vars.get(name) ?? 0) >= ge;
    return world.outcome(actor, `cond_wait_for ${o} ${name}>=${ge}`, () =>
      world.find("condition", o).waitFor(enough),
    );
  },
  barrier_wait: (world, actor, { o }) =>
    world.outcome(actor, `barrier_wait ${o}`, () => world.find("barrier", o).wait()),
  barrier_reset: (world, actor, { o }) =>
    world.outcome(actor, `barrier_reset ${o}`, () => world.find("barrier", o).reset()),
  barrier_abort: (world, actor, { o }) =>
    world.outcome(actor, `barrier_abort ${o}`, () => world.find("barrier", o).abort()),
  put: (world, actor, { o, v }) =>
    world.outcome(actor, `put ${o} ${format(v)}`, () => world.find("queue", o).put(v)),
  get: (world, actor, { o }) => world.outcome(actor, `get ${o}`, () => world.find("queue", o).get()),
  join: (world, actor, { o }) => world.outcome(actor, `join ${o}`, () => world.find("queue", o).join()),
};

/**
 * An eager `spawn`. asyncio runs the new task up to its first suspension before `create_task` returns;
 * with native `await` it gets there in the microtasks that follow, so the spawner, whose step has not
 * ended, lets these run. A task that waits for its own eager child is not suspended: it has no wait.
 */
export async function spawnEagerly(
  world: World,
  actor: string,
  statement: StatementOf<"spawn">,
): Promise<Returning | undefined> {
  const spawned = create(world, actor, statement);
  if (spawned === null) return undefined;
  const { task } = spawned;
  for (let tick = 0; !task.done() && describeTask(task).waits.length === 0; tick += 1) {
    if (tick > TICK_LIMIT) throw world.abort(`eager task ${spawned.label} neither waits nor ends`);
    await null;
  }
  announce(world, actor, statement, spawned);
  return undefined;
}

const TICK_LIMIT = 1_000_000;
