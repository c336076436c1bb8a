import { Wait } from "../cancel/wait.ts";
import type { Loop } from "../loop/loop.ts";
import type { ReadyEntry } from "../loop/ready-queue.ts";
import { allTasks } from "../tasks/create-task.ts";
import { Task } from "../tasks/task.ts";
import { waitsOf } from "../tasks/waits.ts";

/**
 * Writes down what a loop's tasks do. Nobody tells it of waits that begin and tasks that end: it looks for them each
 * time that something is about to happen.
 */
export class Trace {
  readonly lines: string[] = [];
  /** The tasks in the order of their creation: the same in each run of a program, as their names are not. */
  readonly tasks: Task<unknown>[] = [];
  private readonly loop: Loop;
  private readonly numbers = new Map<object, number>();
  private readonly ends = new Map<object, number>();
  private readonly waits = new WeakSet<object>();
  private readonly woken = new WeakMap<object, string>();

  constructor(loop: Loop) {
    this.loop = loop;
  }

  /** The number of a task; undefined for one that it has not seen. */
  numberOf(task: object): number | undefined {
    return this.numbers.get(task);
  }

  /** The loop time at which a task ended, as far as it has. */
  endOf(number: number): number | undefined {
    return this.ends.get(this.tasks[number] ?? this);
  }

  write(text: string): void {
    this.lines.push(`${String(Math.round(this.loop.time() * 1000) / 1000).padStart(8)} ms  ${text}`);
  }

  /** Notes what has changed since it looked last. */
  look(): void {
    for (const task of allTasks(this.loop)) {
      if (!this.numbers.has(task)) this.meet(task);
      for (const wait of waitsOf(task)) {
        if (this.waits.has(wait)) continue;
        this.waits.add(wait);
        this.write(`${task.getName()} waits: ${wait.kind} on ${String(wait.source)}`);
      }
    }
    for (const task of this.tasks) {
      if (!task.done() || this.ends.has(task)) continue;
      this.ends.set(task, this.loop.time());
      this.write(
        `${task.getName()} has ended: ${task.cancelled() ? "cancelled" : task.rejected ? "failed" : "returned"}`,
      );
    }
  }

  private meet(task: Task<unknown>): void {
    const number = this.tasks.length;
    this.numbers.set(task, number);
    this.tasks.push(task);
    // Default names count all of the process's tasks: in the next run they would be others.
    if (/^Task-\d+$/.test(task.getName())) task.setName(`Task-${number}`);
  }

  /** An entry became ready. */
  ready(entry: ReadyEntry): void {
    this.look();
    if (entry instanceof Wait) {
      this.woken.set(
        entry.scope.owner,
        `${entry.struck ? "is interrupted in" : "goes on after"} ${entry.kind}`,
      );
    } else if (entry instanceof Task) {
      this.woken.set(entry, "starts");
    }
  }

  /** A task is about to run on. */
  resumed(task: object): void {
    this.look();
    const number = this.numbers.get(task);
    if (number !== undefined)
      this.write(`${this.tasks[number]?.getName()} ${this.woken.get(task) ?? "goes on"}`);
  }
}
