import {
  allTasks,
  CancelledError,
  currentTask,
  DeadlockError,
  type EventLoop,
  ExceptionGroup,
  getRunningLoop,
  sleepForever,
} from "brio";
import { runVirtual } from "brio/testing";
import { expect } from "vitest";

/** brio's rule of cancellation, and asyncio's. */
export type Rule = "sticky" | "once";

/** Adds an event to the trace, with the loop's time before it. */
export type Note = (event: string) => void;

export type Program = (note: Note, loop: EventLoop) => Promise<unknown>;

/**
 * Runs a program in virtual time and gives the events that it noted, in order. What the loop reports and the tasks that
 * are left at its end are events too: a test that does not expect any fails.
 */
export async function trace(program: Program, cancellation: Rule = "sticky"): Promise<string[]> {
  const events: string[] = [];
  await runVirtual(
    async () => {
      const loop = getRunningLoop();
      const note: Note = (event) => void events.push(`${loop.time()} ${event}`);
      loop.setExceptionHandler((_loop, { message, exception }) =>
        note(`reported: ${message} ${name(exception)}`),
      );
      await program(note, loop);
      for (const task of allTasks()) if (task !== currentTask()) note(`left behind: ${task.getName()}`);
    },
    { cancellation },
  );
  return events;
}

/** The program does the same under both rules. */
export async function expectTrace(program: Program, events: readonly string[]): Promise<void> {
  await expectTraces(program, { once: events, sticky: events });
}

/** The program does one thing under brio's rule, and another under asyncio's. */
export async function expectTraces(program: Program, events: Record<Rule, readonly string[]>): Promise<void> {
  expect({ sticky: await trace(program, "sticky"), once: await trace(program, "once") }).toEqual(events);
}

/** How an awaitable ends, in words. */
export async function outcome(awaitable: PromiseLike<unknown>): Promise<string> {
  try {
    const value = await awaitable;
    return typeof value === "string" ? value : value === undefined ? "done" : JSON.stringify(value);
  } catch (error) {
    return name(error);
  }
}

const PLAIN = new Set(["CancelledError", "TimeoutError", "RuntimeError", "InvalidStateError"]);

/** An error, in words: a test's own with their messages, brio's without, groups with what is in them. */
export function name(error: unknown): string {
  if (error instanceof ExceptionGroup) return `[${error.exceptions.map(name).join(", ")}]`;
  if (error instanceof CancelledError && error.reason !== undefined)
    return `CancelledError(${String(error.reason)})`;
  if (!(error instanceof Error)) return String(error);
  return PLAIN.has(error.name) ? error.name : `${error.name}(${error.message})`;
}

/** The error that a promise rejects with. */
export async function errorOf(awaitable: PromiseLike<unknown>): Promise<unknown> {
  try {
    await awaitable;
  } catch (error) {
    return error;
  }
  return expect.fail("it was expected to reject");
}

/**
 * The loop time at which nothing is left to happen after a program has ended. It is the time of its end, unless the
 * program has left a timer behind.
 */
export async function restTime(program: () => Promise<unknown>): Promise<number> {
  let time = Number.NaN;
  const run = runVirtual(async () => {
    await program();
    await sleepForever().finally(() => {
      time = getRunningLoop().time();
    });
  });
  expect(await errorOf(run)).toBeInstanceOf(DeadlockError);
  return time;
}
