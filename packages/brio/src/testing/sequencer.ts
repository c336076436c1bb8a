import { inspect } from "node:util";
import { immediate } from "../cancel/immediate.ts";
import { ambientScope, outsideTask } from "../cancel/scope.ts";
import { Wait, type WaitSource } from "../cancel/wait.ts";
import { RuntimeError } from "../loop/errors.ts";

/*
 * A step's states: (unclaimed) -> waiting -> running -> ended. Step 0 and a step whose predecessor has ended run at
 * once. A step that is cancelled while it waits will never end: the sequence is broken, and what waits or comes later
 * is told so.
 */

/** The turn of one step, held until it is disposed of: `await using _ = await sequencer.step(2)`. */
export class SequencerStep implements AsyncDisposable, Disposable {
  /** Which step this is. */
  readonly position: number;
  private end: (() => void) | null;

  /** @internal */
  constructor(position: number, end: () => void) {
    this.position = position;
    this.end = end;
  }

  [Symbol.dispose](): void {
    this.end?.();
    this.end = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
  }
}

/**
 * Makes pieces of several tasks run one after the other, in the order of their numbers: for tests that want one
 * particular interleaving.
 *
 * The steps are numbered 0, 1, 2, ... without gaps; each begins when the one before it has ended.
 *
 * @example
 * ```ts
 * import { taskGroup } from "brio";
 * import { runVirtual, Sequencer } from "brio/testing";
 *
 * await runVirtual(async () => {
 *   const sequencer = new Sequencer();
 *   await taskGroup(async (group) => {
 *     group.createTask(async () => {
 *       await sequencer.step(0, () => console.log("first, in the first task"));
 *       await sequencer.step(2, () => console.log("third, in the first task"));
 *     });
 *     group.createTask(async () => {
 *       await using _ = await sequencer.step(1); // to the end of the block
 *       console.log("second, in the second task");
 *     });
 *   });
 * });
 * ```
 */
export class Sequencer {
  private readonly claimed = new Set<number>();
  private readonly ended = new Set<number>();
  private readonly waiting = new Map<number, Wait<void>>();
  private broken: number | null = null;

  /**
   * Waits for step `position` to begin. With `fn`, runs it as the step and resolves with what it returns; without,
   * resolves with the step, which ends when it is disposed of (`await using`).
   *
   * *Cancel safety*: a step that is cancelled before it has begun breaks the sequence: the steps that wait, and those
   * that come later, throw RuntimeError. Once it has begun it ends like any other, and the next one begins.
   *
   * @throws RangeError if `position` is not an integer >= 0; RuntimeError if it was used before, if the sequence is
   * broken, or outside a task.
   */
  step(position: number): Promise<SequencerStep>;
  step<T>(position: number, fn: () => PromiseLike<T> | T): Promise<T>;
  async step<T>(position: number, fn?: () => PromiseLike<T> | T): Promise<SequencerStep | T> {
    if (!Number.isInteger(position) || position < 0) {
      throw new RangeError(`steps are numbered 0, 1, 2, ...: sequencer.step(0); got ${inspect(position)}`);
    }
    if (fn !== undefined && typeof fn !== "function") {
      throw new TypeError(`sequencer.step(${position}, fn) takes a function; got ${inspect(fn)}`);
    }
    await this.turn(position);
    const step = new SequencerStep(position, () => this.end(position));
    if (fn === undefined) return step;
    try {
      return await fn();
    } finally {
      step[Symbol.dispose]();
    }
  }

  toString(): string {
    const at = this.broken === null ? "" : `, broken at step ${this.broken}`;
    return `<Sequencer ${this.ended.size} ended, ${this.waiting.size} waiting${at}>`;
  }

  private turn(position: number): Promise<void> {
    const scope = ambientScope();
    if (scope === undefined) return outsideTask("sequencer.step()");
    if (this.claimed.has(position)) {
      const message = `sequencer.step(${position}): this step was used before; each number stands for one step`;
      return Promise.reject(new RuntimeError(message));
    }
    if (this.broken !== null) return Promise.reject(this.brokenError(position));
    this.claimed.add(position);
    if (position === 0 || this.ended.has(position - 1)) return immediate(scope, undefined);
    const wait = new Wait<void>(scope, new Turn(this, position));
    this.waiting.set(position, wait);
    return wait.begin();
  }

  private end(position: number): void {
    this.ended.add(position);
    this.waiting.get(position + 1)?.grant();
  }

  /** @internal */
  begin(position: number): void {
    this.waiting.delete(position);
    if (this.broken !== null) throw this.brokenError(position);
  }

  /** @internal */
  break(position: number): void {
    this.waiting.delete(position);
    this.broken ??= position;
    for (const wait of this.waiting.values()) wait.grant();
  }

  private brokenError(position: number): RuntimeError {
    return new RuntimeError(
      `sequencer.step(${position}): the sequence is broken, as step ${this.broken} was cancelled before it began`,
    );
  }
}

/** The turn that a step waits for. */
class Turn implements WaitSource<void> {
  readonly kind = "sequencer.step";
  private readonly sequencer: Sequencer;
  private readonly position: number;

  constructor(sequencer: Sequencer, position: number) {
    this.sequencer = sequencer;
    this.position = position;
  }

  take(): void {
    this.sequencer.begin(this.position);
  }

  withdraw(): undefined {
    this.sequencer.break(this.position);
  }

  toString(): string {
    return `step ${this.position} of a sequencer, after step ${this.position - 1}`;
  }
}
