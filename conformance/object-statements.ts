/** The statements about locks, events, barriers, queues and futures that don't wait (README §4). */
import type { SyncHandlers } from "./sync-statements.ts";
import { Err, format } from "./values.ts";

type LockOp = "release" | "locked" | "set" | "clear" | "is_set" | "notify" | "notify_all" | "barrier_info";
export const locks: SyncHandlers<LockOp> = {
  release: (world, actor, { o }) => {
    const held = world.findAcquirable(o);
    world.attempt(actor, `release ${o}`, () => held.release(), "quiet");
  },
  locked: (world, actor, { o }) => world.log(actor, `locked ${o} -> ${world.findAcquirable(o).locked()}`),
  set: (world, actor, { o }) => {
    world.find("event", o).set();
    world.log(actor, `set ${o}`);
  },
  clear: (world, actor, { o }) => {
    world.find("event", o).clear();
    world.log(actor, `clear ${o}`);
  },
  is_set: (world, actor, { o }) => world.log(actor, `is_set ${o} -> ${world.find("event", o).isSet()}`),
  notify: (world, actor, { o, n }) => {
    const condition = world.find("condition", o);
    world.attempt(actor, `notify ${o} ${n}`, () => condition.notify(n), "quiet");
  },
  notify_all: (world, actor, { o }) => {
    const condition = world.find("condition", o);
    world.attempt(actor, `notify_all ${o}`, () => condition.notifyAll(), "quiet");
  },
  barrier_info: (world, actor, { o }) => {
    const barrier = world.find("barrier", o);
    world.log(actor, `barrier_info ${o} -> waiting=${barrier.nWaiting} broken=${barrier.broken}`);
  },
};

type QueueOp = "put_nowait" | "get_nowait" | "task_done" | "queue_info" | "shutdown";
export const queues: SyncHandlers<QueueOp> = {
  put_nowait: (world, actor, { o, v }) => {
    const queue = world.find("queue", o);
    world.attempt(actor, `put_nowait ${o} ${format(v)}`, () => queue.putNowait(v), "quiet");
  },
  get_nowait: (world, actor, { o }) => {
    const queue = world.find("queue", o);
    world.attempt(actor, `get_nowait ${o}`, () => queue.getNowait(), "show result");
  },
  task_done: (world, actor, { o }) => {
    const queue = world.find("queue", o);
    world.attempt(actor, `task_done ${o}`, () => queue.taskDone(), "quiet");
  },
  queue_info: (world, actor, { o }) => {
    const queue = world.find("queue", o);
    world.log(actor, `queue_info ${o} -> size=${queue.qsize()} empty=${queue.empty()} full=${queue.full()}`);
  },
  shutdown: (world, actor, { o, immediate }) => {
    world.find("queue", o).shutdown({ immediate });
    world.log(actor, `shutdown ${o} ${immediate}`);
  },
};

export const futures: SyncHandlers<"set_result" | "set_exception"> = {
  set_result: (world, actor, { o, v }) => {
    const future = world.find("future", o);
    world.attempt(actor, `set_result ${o} ${format(v)}`, () => future.setResult(v), "quiet");
  },
  set_exception: (world, actor, { o, tag }) => {
    const future = world.find("future", o);
    world.attempt(actor, `set_exception ${o} ${tag}`, () => future.setException(new Err(tag)), "quiet");
  },
};
