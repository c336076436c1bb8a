import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import {
  CancelledError,
  createTask,
  getRunningLoop,
  interruptible,
  type Task,
  uncancellable,
  wait,
} from "brio";
import {
  type AnyCall,
  type CheckedCallOptions,
  carriedContext,
  checkedCallOptions,
  ExecutorBase,
  ExecutorClosedError,
  type ExecutorStatistics,
  onLoopClose,
} from "brio/threads";
import type { JobsOptions, Queue } from "bullmq";
import { cancelJob } from "../queue/cancel-job.ts";
import { JobNotFoundError } from "../queue/errors.ts";
import { checkedJobOptions, checkWhole, type DistributedCallOptions, KEPT } from "../queue/job-options.ts";
import { packArguments } from "../wire/job-data.ts";
import { encode } from "../wire/payload.ts";
import { AHEAD, type StreamItem } from "../wire/stream-item.ts";
import { AwaitedJob, callSite } from "./awaited-job.ts";
import { callJob, watchJob } from "./call.ts";
import {
  type AttachOptions,
  type CheckedExecutorOptions,
  checkedExecutorOptions,
  type DistributedExecutorOptions,
  type QueueHealth,
} from "./options.ts";
import type { OutgoingJob } from "./outbox.ts";
import { QueueLink } from "./queue-link.ts";
import { StreamJob } from "./stream-job.ts";

/** What `with()` said. */
interface Call {
  readonly call: CheckedCallOptions;
  readonly job: JobsOptions;
  readonly maxResultBytes: number | undefined;
}

/** How many calls `map` makes ahead of its reader: workers may be many. */
const LOOK_AHEAD = 64;

/**
 * Runs functions on other machines: as jobs of a BullMQ queue on Redis, which workers (`npx brio-worker`, or a
 * {@link DistributedWorker}) take. It is used as a `ThreadPool` is; `with()` takes what BullMQ can do besides.
 *
 * A job whose worker is lost is begun again elsewhere, so a function may run more than once; its result comes once.
 *
 * @example
 * ```ts redis
 * import { run } from "brio";
 * import { DistributedExecutor, DistributedWorker } from "@brio/distributed";
 * import { references } from "brio/threads";
 *
 * const path = references<typeof import("node:path")>("node:path");
 * const place = { connection: process.env.BRIO_REDIS_URL ?? "redis://127.0.0.1:6379", queue: "docs-executor" };
 *
 * await run(async () => {
 *   await using worker = new DistributedWorker({ ...place, modules: ["node:path"] }); // on another machine, mostly
 *   await using executor = new DistributedExecutor(place);
 *   await worker.start();
 *   console.log(await executor.submit(path.basename, "/tmp/a.txt")); // a.txt
 *   console.log(await executor.with({ attempts: 3, delay: "10ms" }).submit(path.extname, "/tmp/a.txt")); // .txt
 *   await executor.queue().then((queue) => queue.obliterate({ force: true })); // leaves nothing in Redis
 * });
 * ```
 */
export class DistributedExecutor extends ExecutorBase<DistributedCallOptions, Call> {
  protected override readonly title = "executor";
  private readonly options: CheckedExecutorOptions;
  private readonly defaults: Call;
  private readonly calls = new Set<Task<unknown>>();
  private readonly jobs = new WeakMap<object, AwaitedJob>();
  /** Ids are this and a number: no two executors make the same. */
  private readonly idPrefix = randomBytes(9).toString("base64url");
  private link: Promise<QueueLink> | null = null;
  private opened: QueueLink | null = null;
  private leave: (() => void) | null = null;
  private finished = false;
  private submitted = 0;
  private completed = 0;
  private failed = 0;
  private cancelled = 0;

  /** @throws TypeError or RangeError that names the option. */
  constructor(options: DistributedExecutorOptions) {
    super();
    this.options = checkedExecutorOptions(options);
    this.defaults = {
      call: checkedCallOptions({}),
      job: checkedJobOptions(this.options.defaultJobOptions, {}),
      maxResultBytes: this.options.maxResultBytes,
    };
  }

  protected override checkOptions(options: DistributedCallOptions, before: Call = this.defaults): Call {
    const call = checkedCallOptions(options, before.call);
    const { maxResultBytes = before.maxResultBytes } = options;
    checkWhole("maxResultBytes", maxResultBytes, 1, Number.MAX_SAFE_INTEGER);
    return { call, job: checkedJobOptions(options, before.job), maxResultBytes };
  }

  protected override defaultLookAhead(): number {
    return LOOK_AHEAD;
  }

  protected override begin(call: AnyCall, options: Call = this.defaults): Task<unknown> {
    return this.call(this.outgoing(call, options), options).task;
  }

  protected override async *beginStream(
    call: AnyCall,
    options: Call = this.defaults,
  ): AsyncGenerator<unknown, void, undefined> {
    const { data, opts, ...outgoing } = this.outgoing(call, options);
    const stream = new StreamJob(call.fn.id);
    // Begun again, it would give its items again.
    const streamed = { ...outgoing, data: { ...data, stream: AHEAD }, opts: { ...opts, attempts: 1 } };
    const { job, task } = this.call(streamed, options, (item) => stream.came(item));
    yield* stream.read(job, task, () => this.opened);
  }

  private call(
    outgoing: OutgoingJob,
    { call: { grace, name, onProgress } }: Call,
    onItem?: (item: StreamItem) => void,
  ): { job: AwaitedJob; task: Task<unknown> } {
    const { jobId } = outgoing.opts;
    const functionId = outgoing.name;
    const job = new AwaitedJob(jobId, {
      functionId,
      loop: getRunningLoop(),
      onProgress,
      onItem,
      caller: callSite(),
    });
    const patience = grace === null ? null : grace + this.options.stopTimeout;
    const task = this.start(job, name ?? functionId, (link) => callJob(link, job, outgoing, patience));
    return { job, task };
  }

  private outgoing({ fn, args }: AnyCall, { call, job, maxResultBytes }: Call): OutgoingJob {
    const context = carriedContext();
    const submission = `${this.idPrefix}-${(++this.submitted).toString(36)}`;
    // BullMQ would remove it before its error, of which it tells the message only, could be read.
    const removeWhenFailed = job.removeOnFail === true || job.removeOnFail === 0;
    return {
      name: fn.id,
      data: {
        brio: 1,
        args: packArguments(fn.id, args, this.options.maxArgumentBytes),
        timeout: call.timeout ?? undefined,
        grace: call.grace ?? undefined,
        maxResultBytes,
        context: context === undefined ? undefined : encode(context).payload,
        // Whoever gives a job its id may do so twice.
        submission: job.jobId === undefined ? undefined : submission,
      },
      opts: {
        ...job,
        jobId: job.jobId ?? submission,
        ...(removeWhenFailed ? { removeOnFail: KEPT.removeOnFail } : {}),
      },
      removeWhenFailed,
    };
  }

  private start(job: AwaitedJob, name: string, work: (link: QueueLink) => Promise<unknown>): Task<unknown> {
    const task = createTask(() => this.perform(work), { name });
    this.jobs.set(task, job);
    this.calls.add(task);
    task.addDoneCallback(() => {
      this.calls.delete(task);
      if (task.cancelled()) this.cancelled++;
    });
    return task;
  }

  private async perform(work: (link: QueueLink) => Promise<unknown>): Promise<unknown> {
    try {
      const value = await work(this.opened ?? (await interruptible(this.connection())));
      this.completed++;
      return value;
    } catch (error) {
      if (!(error instanceof CancelledError)) this.failed++;
      throw error;
    }
  }

  /**
   * Waits for a job by its id, wherever it was submitted: by this program before it was started again, or by another one. The
   * task ends as the job does, or has done.
   *
   * *Cancel safety*: cancelling the task ends the waiting; the job goes on. (To stop it: {@link cancelJob}.)
   *
   * @throws JobNotFoundError, in the task, if there is no such job.
   */
  attach<R = unknown>(jobId: string, options: AttachOptions = {}): Task<R> {
    if (typeof jobId !== "string" || jobId === "") {
      throw new TypeError(
        `executor.attach() takes the id of a job, such as "report-17"; got ${inspect(jobId)}`,
      );
    }
    const name = `job ${jobId}`;
    const job = new AwaitedJob(jobId, {
      functionId: name,
      loop: getRunningLoop(),
      onProgress: options.onProgress,
      caller: callSite(),
    });
    const missing = (): Error => new JobNotFoundError(jobId, this.options.queue);
    return this.start(job, name, (link) => watchJob(link, job, missing)) as Task<R>; // whoever attaches knows what it gives
  }

  /** The id of the job that a task of this executor waits for: keep it, and {@link attach} to the job later. */
  jobIdOf(task: Task<unknown>): string | undefined {
    return this.jobs.get(task)?.id;
  }

  /**
   * Stops a job by its id: one that waits is removed, one that runs is cancelled on its worker, and fails with CancelledError.
   *
   * *Cancel safety*: the request may have been sent.
   *
   * @returns false if there is no such job, or it has ended.
   */
  async cancelJob(jobId: string, reason?: string): Promise<boolean> {
    const link = await interruptible(this.connection());
    const how = await interruptible(cancelJob(link.redis, link.queue, { id: jobId, reason }));
    return how === "removed" || how === "asked";
  }

  /**
   * Connects, if it isn't connected. The first call does it otherwise.
   *
   * *Cancel safety*: connecting goes on.
   *
   * @throws RedisConnectionError if that takes longer than `connectTimeout`.
   */
  async ready(): Promise<void> {
    await interruptible(this.connection());
  }

  /**
   * BullMQ's own queue, for all that it can do: pause it, count or clean jobs, schedule them, export metrics
   * (`queue.exportPrometheusMetrics()`). It is closed with the executor.
   *
   * *Cancel safety*: connecting goes on.
   *
   * @throws RedisConnectionError
   */
  async queue(): Promise<Queue> {
    return (await interruptible(this.connection())).queue;
  }

  /**
   * How the queue is: does Redis answer, are there workers, how many jobs wait?
   *
   * *Cancel safety*: it only asks.
   *
   * @throws RedisConnectionError
   */
  async health(): Promise<QueueHealth> {
    const link = await interruptible(this.connection());
    const { redis, queue } = link;
    const asked = performance.now();
    await interruptible(redis.ping());
    const latency = performance.now() - asked;
    const [jobs, workers] = await interruptible(Promise.all([queue.getJobCounts(), queue.getWorkersCount()]));
    return { latency, workers, jobs, lastError: link.lastError };
  }

  /** What this executor's calls do. The workers are not its own: they are counted by {@link health}. */
  override statistics(): ExecutorStatistics {
    const { completed, failed } = this;
    let { cancelled } = this;
    let open = 0;
    for (const task of this.calls) {
      if (!task.done()) open++;
      else if (task.cancelled()) cancelled++; // and its callback is still in line
    }
    let busy = 0;
    for (const job of this.opened?.awaited ?? []) if (job.state === "running") busy++;
    const replaced = this.opened?.awaited.stalled ?? 0;
    return { workers: 0, idle: 0, busy, queued: open - busy, completed, failed, cancelled, replaced };
  }

  protected override cancelCalls(reason: string): void {
    for (const task of this.calls) task.cancel(reason);
  }

  protected override async finish(): Promise<void> {
    while (this.calls.size > 0) await wait([...this.calls]);
    await uncancellable(async () => {
      const link = await this.link?.catch(() => null);
      this.link = null;
      this.opened = null;
      this.finished = true;
      this.leave?.();
      await link?.close();
    });
  }

  /** One for all; after a failure, the next call tries again. */
  private connection(): Promise<QueueLink> {
    if (this.finished) throw new ExecutorClosedError(`${this} is closed; make a new one`);
    const loop = getRunningLoop();
    this.link ??= QueueLink.open(this.options).then(
      (link) => {
        this.opened = link;
        this.leave = onLoopClose(loop, () => void link.close());
        return link;
      },
      (error: unknown) => {
        this.link = null;
        throw error;
      },
    );
    return this.link;
  }

  override toString(): string {
    return `<DistributedExecutor of the queue "${this.options.queue}", ${this.calls.size} calls>`;
  }
}
