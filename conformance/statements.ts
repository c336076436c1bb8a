/** The whole language: one table from op to function, and the two ways to run a statement. */

import type { AsyncHandlers } from "./block-statements.ts";
import { blocks } from "./block-statements.ts";
import { futures, locks, queues } from "./object-statements.ts";
import type { AsyncStatement, Statement, StatementOf, SyncStatement } from "./scenario.ts";
import type { SyncHandlers, SyncOp } from "./sync-statements.ts";
import { callbacks, control, tasks } from "./sync-statements.ts";
import { objectWaits, spawnEagerly, taskWaits } from "./waiting-statements.ts";
import type { Language, World } from "./world.ts";

const syncHandlers: SyncHandlers<SyncOp> = {
  ...control,
  ...tasks,
  ...locks,
  ...queues,
  ...futures,
  ...callbacks,
};
type AsyncOp = AsyncStatement["op"];
const asyncHandlers: AsyncHandlers<AsyncOp> = { ...blocks, ...taskWaits, ...objectWaits };

const isAsync = (statement: Statement): statement is AsyncStatement =>
  Object.hasOwn(asyncHandlers, statement.op);

function runSync(world: World, actor: string, statement: SyncStatement): void {
  if (statement.op === "return") return;
  // The table's key is the statement's own op; TypeScript can't correlate the two.
  const handler = syncHandlers[statement.op] as (
    world: World,
    actor: string,
    statement: StatementOf<SyncOp>,
  ) => void;
  handler(world, actor, statement);
}

export const language: Language = {
  runSync,
  run(world, actor, statement) {
    if (isAsync(statement)) {
      // As above.
      const handler = asyncHandlers[statement.op] as AsyncHandlers<AsyncOp>[AsyncOp] as (
        world: World,
        actor: string,
        statement: AsyncStatement,
      ) => ReturnType<AsyncHandlers<AsyncOp>[AsyncOp]>;
      return handler(world, actor, statement);
    }
    if (statement.op === "return") return { value: statement.value };
    if (statement.op === "spawn" && statement.eager) return spawnEagerly(world, actor, statement);
    runSync(world, actor, statement);
    return undefined;
  },
};
