import { uncancellable } from "../cancel/uncancellable.ts";
import { wait } from "../compose/wait.ts";
import { Queue } from "../queues/queue.ts";
import { Watcher } from "../tasks/listeners.ts";
import type { Task } from "../tasks/task.ts";
import type { Call } from "./call.ts";

/** Where the items of a stream come in. */
export interface ItemSource {
  /** How many may be sent before more are asked for. */
  readonly credit: number;
  put(item: unknown): void;
}

/** How many items are made ahead of their reader. */
const CREDIT = 16;
/** How many the reader takes until it asks for as many more. */
const PORTION = CREDIT / 2;

/** The items of a call that is begun when the first is asked for. Leaving the loop cancels it, and waits for it to end. */
export async function* streamOf(
  begin: (items: ItemSource) => Call,
): AsyncGenerator<unknown, void, undefined> {
  const items = new Queue<{ readonly item: unknown }>();
  const call = begin({ credit: CREDIT, put: (item) => items.putNowait({ item }) });
  const task = call.task as Task<unknown>; // it has begun
  task.observe(new Watcher(() => items.shutdown(), null));
  let taken = 0;
  try {
    for await (const { item } of items) {
      yield item;
      if (++taken % PORTION === 0) call.worker?.addCredit(call, PORTION);
    }
    await task;
  } finally {
    if (!task.done()) {
      task.cancel("the loop over stream() was left");
      await uncancellable(() => wait([task]), { grace: null });
    }
    task.markRetrieved();
  }
}
