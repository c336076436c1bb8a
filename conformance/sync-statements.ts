/** The statements that don't wait, except those about objects: control, tasks, callbacks (README §4). */
import { allTasks, ContextVar, createTask, currentTask, RuntimeError, Task } from "brio";
import type { StatementOf, SyncStatement } from "./scenario.ts";
import { Err, format, formatError } from "./values.ts";
import { nameOf, type World } from "./world.ts";

/** One function per op. `return` is not among them: it means something in a coroutine body only. */
export type SyncOp = Exclude<SyncStatement["op"], "return">;
export type SyncHandlers<Name extends SyncOp> = {
  readonly [N in Name]: (world: World, actor: string, statement: StatementOf<N>) => void;
};

type ControlOp = "log" | "raise" | "set_var" | "inc" | "cv_set" | "cv_get";
export const control: SyncHandlers<ControlOp> = {
  log: (world, actor, { msg }) => world.log(actor, `log ${format(msg)}`),
  raise: (world, actor, { tag }) => {
    world.log(actor, `throw Err(${tag})`);
    throw new Err(tag);
  },
  set_var: (world, actor, { var: name, v }) => setVariable(world, actor, name, v),
  inc: (world, actor, { var: name, by }) => setVariable(world, actor, name, (world.vars.get(name) ?? 0) + by),
  cv_set: (world, actor, { var: name, v }) => {
    contextVariable(world, name).set(v);
    world.log(actor, `cv ${name}=${format(v)}`);
  },
  cv_get: (world, actor, { var: name }) =>
    world.log(actor, `cv_get ${name} -> ${format(contextVariable(world, name).get())}`),
};

function setVariable(world: World, actor: string, name: string, value: number): void {
  world.vars.set(name, value);
  world.log(actor, `var ${name}=${value}`);
}

function contextVariable(world: World, name: string): ContextVar<unknown> {
  const known = world.contextVars.get(name) ?? new ContextVar<unknown>(name, { default: null });
  world.contextVars.set(name, known);
  return known;
}

type TaskOp =
  | "spawn"
  | "cancel"
  | "uncancel"
  | "cancelling"
  | "state"
  | "result"
  | "current"
  | "all_tasks"
  | "reschedule"
  | "expired";
export const tasks: SyncHandlers<TaskOp> = {
  spawn: (world, actor, statement) => {
    const spawned = create(world, actor, statement);
    if (spawned !== null) announce(world, actor, statement, spawned);
  },
  cancel: (world, actor, { h, msg }) => {
    const handle = world.handle(actor, "cancel", h);
    if (handle === null) return;
    const accepted = msg === null ? handle.cancel() : handle.cancel(msg);
    world.log(actor, `cancel ${h} -> ${accepted}`);
  },
  uncancel: (world, actor) => {
    const task = currentTask();
    if (task === null) throw noCurrentTask();
    world.log(actor, `uncancel -> ${task.uncancel()}`);
  },
  cancelling: (world, actor, { h }) => {
    const handle = world.handle(actor, "cancelling", h);
    if (handle instanceof Task) world.log(actor, `cancelling ${h} -> ${handle.cancelling()}`);
  },
  state: (world, actor, { h }) => {
    const handle = world.handle(actor, "state", h);
    if (handle !== null) world.log(actor, `state ${h} -> ${world.state(handle)}`);
  },
  result: (world, actor, { h }) => {
    const handle = world.handle(actor, "result", h);
    if (handle !== null) world.attempt(actor, `result ${h}`, () => handle.result(), "show result");
  },
  current: (world, actor) => {
    const task = currentTask();
    world.log(actor, `current -> ${task === null ? "none" : nameOf(task)}`);
  },
  all_tasks: (world, actor) => world.log(actor, `all_tasks -> ${format([...allTasks()].map(nameOf).sort())}`),
  reschedule: (world, actor, { t, d }) => {
    const timeout = world.timeouts.get(t);
    if (timeout === undefined) {
      world.log(actor, `reschedule ${t} ? notimeout`);
      return;
    }
    const when = d === null ? null : world.loop.time() + Math.max(d, 0);
    world.attempt(actor, `reschedule ${t} ${format(d)}`, () => timeout.reschedule(when), "quiet");
  },
  expired: (world, actor, { t }) => {
    const timeout = world.timeouts.get(t);
    if (timeout !== undefined) world.log(actor, `expired ${t} -> ${timeout.expired()}`);
  },
};

/** What Python's `None.uncancel()` gives in a callback. */
const noCurrentTask = (): Error =>
  Object.assign(new Error("a callback has no current task"), { name: "AttributeError" });

type Spawn = StatementOf<"spawn">;
export interface Spawned {
  readonly label: string;
  readonly task: Task<unknown>;
}

/** Makes the task of a `spawn`; `null`, and a line in the trace, when its group doesn't exist. */
export function create(
  world: World,
  actor: string,
  { as, body, group: groupName, eager }: Spawn,
): Spawned | null {
  const label = world.unique(as);
  const group = groupName === null ? undefined : world.groups.get(groupName);
  if (groupName !== null && group === undefined) {
    world.log(actor, `spawn ${label} ? nogroup`);
    return null;
  }
  const coroutine = world.coroutine(label, body);
  try {
    const options = { name: label, eager };
    return { label, task: group?.createTask(coroutine, options) ?? createTask(coroutine, options) };
  } catch (error) {
    if (error instanceof RuntimeError) world.log(actor, `spawn ${label} ! ${formatError(error)}`);
    throw error;
  }
}

export function announce(world: World, actor: string, { as }: Spawn, { label, task }: Spawned): void {
  world.handles.set(as, task);
  world.adopt(label, task);
  world.log(actor, `spawn ${label}`);
}

export const callbacks: SyncHandlers<"call_soon" | "call_later" | "call_at" | "cancel_handle"> = {
  call_soon: (world, actor, { as, do: block }) => {
    const label = world.unique(as);
    world.callbacks.set(as, world.loop.callSoon(world.callback(label, block)));
    world.log(actor, `call_soon ${label}`);
  },
  call_later: (world, actor, { as, d, do: block }) => {
    const label = world.unique(as);
    world.callbacks.set(as, world.loop.callLater(Math.max(d, 0), world.callback(label, block)));
    world.log(actor, `call_later ${label} ${d}`);
  },
  call_at: (world, actor, { as, at, do: block }) => {
    const label = world.unique(as);
    world.callbacks.set(as, world.loop.callAt(Math.max(at, 0), world.callback(label, block)));
    world.log(actor, `call_at ${label} ${at}`);
  },
  cancel_handle: (world, actor, { as }) => {
    const handle = world.callbacks.get(as);
    if (handle === undefined) {
      world.log(actor, `cancel_handle ${as} ? nohandle`);
      return;
    }
    handle.cancel();
    world.log(actor, `cancel_handle ${as} -> ${handle.cancelled()}`);
  },
};
