/** The statements that hold statements: control flow, groups, timeouts, `with` (README §4). */
import type { Timeout } from "brio";
import { sleep, taskGroup, timeout, timeoutAt } from "brio";
import type { AsyncStatement, StatementOf } from "./scenario.ts";
import { formatError, isCaughtBy } from "./values.ts";
import { Abort, type Returning, type World } from "./world.ts";

/** One function per op; what it resolves with, if anything, ends the coroutine body around it. */
export type AsyncHandlers<Name extends AsyncStatement["op"]> = {
  readonly [N in Name]: (
    world: World,
    actor: string,
    statement: StatementOf<N>,
  ) => Promise<Returning | undefined>;
};

/** asyncio takes a negative delay for none; brio refuses it. */
export const delay = (d: number): number => Math.max(d, 0);

export const blocks: AsyncHandlers<"sleep" | "repeat" | "try" | "group" | "timeout" | "with"> = {
  sleep: (world, actor, { d, result }) => world.outcome(actor, `sleep ${d}`, () => sleep(delay(d), result)),

  repeat: async (world, actor, { n, body }) => {
    for (let i = 0; i < n; i += 1) {
      world.step();
      const returning = await world.block(actor, body);
      if (returning !== undefined) return returning;
    }
    return undefined;
  },

  try: async (world, actor, statement) => {
    try {
      return await world.block(actor, statement.body);
    } catch (error) {
      return await handle(world, actor, statement, error);
    } finally {
      if (statement.finally !== null) {
        world.log(actor, "finally");
        await world.block(actor, statement.finally);
      }
    }
  },

  group: async (world, actor, { as, body }) => {
    const label = world.unique(as);
    let returning: Returning | undefined;
    try {
      await taskGroup(async (group) => {
        world.groups.set(as, group);
        world.log(actor, `group ${label} enter`);
        returning = await world.block(actor, body);
      });
    } catch (error) {
      world.log(actor, `group ${label} ! ${formatError(error)}`);
      throw error;
    }
    world.log(actor, `group ${label} -> null`);
    return returning;
  },

  timeout: async (world, actor, { as, body, deadline }) => {
    const label = world.unique(as);
    let entered: Timeout | undefined;
    let returning: Returning | undefined;
    const inner = async (scope: Timeout): Promise<void> => {
      entered = scope;
      world.timeouts.set(as, scope);
      world.log(actor, `timeout ${label} enter`);
      returning = await world.block(actor, body);
    };
    const expired = (): string => `expired=${entered?.expired() ?? false}`;
    try {
      if ("at" in deadline) await timeoutAt(delay(deadline.at), inner);
      else await timeout(deadline.d === null ? null : delay(deadline.d), inner);
    } catch (error) {
      world.log(actor, `timeout ${label} ! ${formatError(error)} ${expired()}`);
      throw error;
    }
    world.log(actor, `timeout ${label} -> null ${expired()}`);
    return returning;
  },

  with: async (world, actor, { o, body }) => {
    const barrier = world.objects.find("barrier", o);
    const held = barrier === null ? world.findAcquirable(o) : null;
    await world.outcome(actor, `enter ${o}`, async () => {
      if (held === null) return await barrier?.wait();
      await held.acquire();
      return null;
    });
    try {
      const returning = await world.block(actor, body);
      world.log(actor, `leave ${o}`);
      return returning;
    } catch (error) {
      world.log(actor, `leave ${o} ! ${formatError(error)}`);
      throw error;
    } finally {
      exit(world, actor, o, () => held?.release());
    }
  },
};

async function handle(
  world: World,
  actor: string,
  { catch: clauses }: StatementOf<"try">,
  error: unknown,
): Promise<Returning | undefined> {
  const clause = error instanceof Abort ? undefined : clauses.find(({ match }) => isCaughtBy(match, error));
  if (clause === undefined) throw error;
  world.log(actor, `catch ${formatError(error)}`);
  const returning = await world.block(actor, clause.body);
  if (clause.reraise) throw error;
  return returning;
}

/** Traces only a failure; it replaces whatever left the body, as it does in Python. */
function exit(world: World, actor: string, name: string, release: () => void): void {
  try {
    release();
  } catch (error) {
    world.log(actor, `exit ${name} ! ${formatError(error)}`);
    throw error;
  }
}
