import { Queue, type Task, uncancellable, wait } from "brio";
import { WorkerDiedError } from "brio/threads";
import { cancelChannel } from "../queue/job-fields.ts";
import { decode } from "../wire/payload.ts";
import { AHEAD, SIGN_OF_LIFE, type StreamItem } from "../wire/stream-item.ts";
import type { AwaitedJob } from "./awaited-job.ts";
import type { QueueLink } from "./queue-link.ts";

/** The items of a job whose result is streamed, as they come; and how many of them the reader has taken. */
export class StreamJob {
  private readonly functionId: string;
  private readonly items = new Queue<StreamItem>();
  private readonly expected = { n: 1, run: 0 };
  private broken: Error | null = null;
  private taken = 0;

  constructor(functionId: string) {
    this.functionId = functionId;
  }

  /** An item has come. */
  came(item: StreamItem): void {
    const { expected } = this;
    if (this.broken !== null || item.run < expected.run) return;
    // Begun again before anything had come of it: nobody notices.
    if (expected.n === 1) expected.run = item.run;
    if (item.run === expected.run && item.n === expected.n) {
      expected.n++;
      this.items.putNowait(item);
      return;
    }
    this.broken =
      item.run === expected.run
        ? new Error(
            `items of ${this.functionId} were lost on their way: BullMQ keeps the last 10,000 events of a queue`,
          )
        : lost(this.functionId, expected.run);
    this.items.shutdown();
  }

  /**
   * The items, until the job's task ends.
   *
   * *Cancel safety*: left or cancelled, it cancels the task, and waits until it has ended.
   */
  async *read(
    job: AwaitedJob,
    task: Task<unknown>,
    link: () => QueueLink | null,
  ): AsyncGenerator<unknown, void, undefined> {
    task.addDoneCallback(() => this.items.shutdown());
    const beat = setInterval(() => this.tell(job, link()), SIGN_OF_LIFE).unref();
    try {
      for await (const { item } of this.items) {
        yield decode(item);
        if (++this.taken % (AHEAD / 2) === 0) this.tell(job, link());
      }
      if (this.broken !== null) throw this.broken;
      await task;
    } finally {
      clearInterval(beat);
      if (!task.done()) {
        task.cancel("the loop over stream() was left");
        await uncancellable(() => wait([task]), { grace: null });
      }
      if (!task.cancelled()) task.exception(); // nobody else asks for it
    }
  }

  /** Tells the worker how far the reader is. */
  private tell({ id }: AwaitedJob, link: QueueLink | null): void {
    if (link === null || !link.connected) return;
    const message = JSON.stringify({ id, taken: this.taken });
    link.redis.publish(cancelChannel(link.queue.toKey("")), message).catch(() => {}); // it is told again soon
  }
}

function lost(functionId: string, run: number): WorkerDiedError {
  return new WorkerDiedError(
    functionId,
    { how: "stalled", worker: "its worker", exitCode: null, signal: null },
    run,
  );
}
