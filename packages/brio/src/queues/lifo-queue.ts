import { Queue } from "./queue.ts";
import { Lifo } from "./store.ts";

/** A queue that gives out the newest item first. */
export class LifoQueue<T> extends Queue<T> {
  constructor(maxsize = 0) {
    super(maxsize, new Lifo<T>());
  }
}
