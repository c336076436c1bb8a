import { CancelledError, Context, type EventLoop, interruptible, type Task } from "brio";
import {
  type CarriedValues,
  type Executor,
  type FunctionTable,
  type Reference,
  runCall,
  type Streamed,
} from "brio/threads";
import { type Job, WaitingError } from "bullmq";
import type { Redis } from "ioredis";
import { CANCEL_FIELD, ERROR_FIELD } from "../queue/job-fields.ts";
import { argumentsOf, type JobData, readJobData } from "../wire/job-data.ts";
import { decode, encode, type Payload } from "../wire/payload.ts";
import type { StreamItem } from "../wire/stream-item.ts";
import { exhausted, isLast } from "./attempts.ts";
import type { CancelRequests } from "./cancel-requests.ts";
import { noteOf, packError, packResult } from "./outcome.ts";
import { SendWindow } from "./send-window.ts";

/** What a runner needs of its worker. */
export interface RunnerParts {
  readonly loop: EventLoop;
  readonly redis: Redis;
  readonly functions: FunctionTable;
  readonly executor: Executor;
  readonly requests: CancelRequests;
  readonly maxResultBytes: number;
  readonly maxStalledCount: number;
  /** The key of a job's hash. */
  key(id: string): string;
}

/*
 * What becomes of a job here
 *
 *   taken ──> its request to stop is looked for, where there can be one; its attempts are counted
 *     ├── the function's result ───────────> packed: BullMQ moves the job to "completed"
 *     ├── its error, or what is wrong ─────> stored in the job, and noted: BullMQ tries again, or moves it to "failed"
 *     ├── stopped on request ──────────────> the same, and never again
 *     └── the worker closes and can't wait > back to the queue, as if it had not been begun
 */

/** Runs jobs: finds their functions, calls them in the executor, and packs what comes of it. */
export class JobRunner {
  private readonly parts: RunnerParts;
  private readonly tasks = new Map<string, Task<unknown>>();
  private readonly references = new Map<string, Reference<(...args: unknown[]) => unknown>>();
  private readonly windows = new Map<string, SendWindow>();
  private givingBack = false;
  private shut = false;

  constructor(parts: RunnerParts) {
    this.parts = parts;
  }

  /** The ids of the jobs that run. */
  ids(): Iterable<string> {
    return this.tasks.keys();
  }

  /** Begins no more jobs: BullMQ may have taken one while it is told to close. */
  close(): void {
    this.shut = true;
  }

  /** Resolves when no job runs. */
  async idle(): Promise<void> {
    while (this.tasks.size > 0) await Promise.all([...this.tasks.values()].map(ended));
  }

  /** Stops all jobs, and gives them back to the queue: others may run them. */
  giveBack(): void {
    this.givingBack = true;
    for (const task of this.tasks.values()) task.cancel("the worker closes");
  }

  /** For BullMQ: runs a job, and gives what is to be stored, or throws what is to be noted. */
  async run(job: Job, token: string | undefined, signal: AbortSignal | undefined): Promise<Payload> {
    if (this.shut) await returned(job, token);
    try {
      return await this.attempt(job, signal);
    } catch (error) {
      // At the end of run(), everything is cancelled: no fault of the job either.
      if ((this.givingBack || !this.parts.loop.isRunning()) && error instanceof CancelledError) {
        await returned(job, token);
      }
      throw await this.failed(job, error, token, signal);
    }
  }

  private async attempt(job: Job, signal: AbortSignal | undefined): Promise<Payload> {
    const id = job.id as string; // each job in a queue has one
    const tooMany = exhausted(job, this.parts.maxStalledCount);
    if (tooMany !== null) throw Object.assign(tooMany, FINAL);
    const { requests } = this.parts;
    // There can only be one for a job that was begun before, or of which was heard already.
    const request = requests.heardOf(id) || job.attemptsStarted > 1 ? await requests.find(id) : undefined;
    if (request !== undefined || signal?.aborted === true) {
      throw new CancelledError(request?.reason ?? signal?.reason, "the caller");
    }
    const data = readJobData(job.name, job.data);
    const called = this.reference(job.name);
    const value = await this.call(job, id, called, data, signal);
    const limit = Math.min(this.parts.maxResultBytes, data.maxResultBytes ?? Number.POSITIVE_INFINITY);
    try {
      return packResult(job.name, value, limit);
    } catch (error) {
      // The function would give the same again.
      throw Object.assign(error as Error, FINAL); // packResult() throws errors
    }
  }

  private async call(
    job: Job,
    id: string,
    called: Reference<(...args: unknown[]) => unknown>,
    data: JobData,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    const told: Promise<void>[] = [];
    const call = this.parts.executor.with({
      timeout: data.timeout ?? null,
      grace: data.grace ?? null,
      name: job.name,
      onProgress: (value) => void told.push(this.tell(job, value)),
    });
    const args = argumentsOf(data);
    const submit = (): PromiseLike<unknown> =>
      data.stream === undefined
        ? call.submit(called, ...args)
        : this.send(
            job,
            call.stream(called as Reference<(...args: unknown[]) => Streamed<unknown>>, ...args),
            data.stream,
          );
    const { task } = await this.start(submit, `job ${id}`, data.context);
    this.tasks.set(id, task);
    const stop = (): void => void task.cancel(signal?.reason);
    signal?.addEventListener("abort", stop, { once: true });
    if (this.givingBack) this.giveBack();
    try {
      await ended(task);
      return task.result();
    } finally {
      signal?.removeEventListener("abort", stop);
      this.tasks.delete(id);
      // Or the outcome would come before the last news.
      if (told.length > 0) await Promise.all(told);
    }
  }

  /** The reader of a streamed result has taken so many items. */
  taken(id: string, count: number): void {
    this.windows.get(id)?.told(count);
  }

  /** Sends the items of a streamed result; not faster than they are taken. */
  private async send(job: Job, items: AsyncIterable<unknown>, ahead: number): Promise<void> {
    const id = job.id as string; // each job in a queue has one
    const window = new SendWindow(ahead);
    this.windows.set(id, window);
    try {
      for await (const item of items) {
        const packed = packResult(job.name, item, this.parts.maxResultBytes);
        const told: StreamItem = { n: await window.next(), run: job.attemptsStarted, item: packed };
        await interruptible(job.updateProgress(told));
      }
    } finally {
      this.windows.delete(id);
    }
  }

  /**
   * Starts a task in the loop, from outside, with the context variables that have come with the job and no others. (In an
   * object: a promise of a task would be one of its result.)
   */
  private async start(
    submit: () => PromiseLike<unknown>,
    name: string,
    context: Payload | undefined,
  ): Promise<{ task: Task<unknown> }> {
    const { loop } = this.parts;
    if (context === undefined) return { task: loop.createTask(submit, { name, context: new Context() }) };
    const variables = decode(context) as CarriedValues; // an executor has packed them
    return await inLoop(loop, () => ({ task: runCall(submit, [], { name, variables }) }));
  }

  /** References are as many as functions: not one for each job. */
  private reference(id: string): Reference<(...args: unknown[]) => unknown> {
    let found = this.references.get(id);
    if (found === undefined) {
      found = this.parts.functions.reference(id) as Reference<(...args: unknown[]) => unknown>; // it gets what it was sent
      this.references.set(id, found);
    }
    return found;
  }

  private async tell(job: Job, value: unknown): Promise<void> {
    try {
      await job.updateProgress(encode(value).payload);
    } catch {
      // The job was lost to another worker; or the value can't be sent. It is no more than news.
    }
  }

  /** Stores the error, which BullMQ keeps the message of only, and gives what BullMQ is to note. */
  private async failed(
    job: Job,
    error: unknown,
    token: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Error> {
    const stopped =
      error instanceof CancelledError && (signal === undefined || signal.aborted || job.attemptsStarted > 1);
    const final = stopped || isLast(job) || (error as Partial<typeof FINAL> | null)?.[LAST] === true;
    const key = this.parts.key(job.id as string); // each job in a queue has one
    const packed = JSON.stringify(packError(error, this.parts.maxResultBytes));
    await this.parts.redis.eval(STORE, 2, key, `${key}:lock`, token ?? "", ERROR_FIELD, packed, CANCEL_FIELD);
    return noteOf(error, final);
  }
}

const LAST: unique symbol = Symbol("no other attempt would end otherwise");
const FINAL = { [LAST]: true } as const;

/** Stores an error, and forgets a request that was obeyed. Not in a job that was removed, or is another worker's by now. */
const STORE = `
if redis.call("GET", KEYS[2]) ~= ARGV[1] or redis.call("EXISTS", KEYS[1]) == 0 then return 0 end
redis.call("HSET", KEYS[1], ARGV[2], ARGV[3])
redis.call("HDEL", KEYS[1], ARGV[4])
return 1
`;

/** Gives a job back to the queue, and tells BullMQ so. */
async function returned(job: Job, token: string | undefined): Promise<never> {
  await job.moveToWait(token);
  throw new WaitingError();
}

/** Calls something in the loop, from outside. */
function inLoop<T>(loop: EventLoop, call: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    loop.callSoonThreadsafe(() => {
      try {
        resolve(call());
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** Waits for a task from outside: neither is it cancelled with anything here, nor the other way round. */
function ended(task: Task<unknown>): Promise<void> {
  return new Promise((resolve) => task.addDoneCallback(() => resolve()));
}
