import { runVirtual } from "brio/testing";
import { expect, it } from "vitest";

/** A value of a wrong type: what plain JavaScript may pass, and the compiler does not let through. */
export const wrong = (value: unknown): never => value as never;

export type ErrorClass = abstract new (...args: never[]) => Error;

/** What a call ends with, whether it throws or returns a promise that rejects. */
export async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return "no error";
}

/** The error is of this very class, and its message has each of `parts`: what was wrong, and the right call. */
export function expectError(error: unknown, kind: ErrorClass, parts: readonly string[]): void {
  expect(error).toBeInstanceOf(Error);
  const { name, message } = error as Error; // the line before has checked it
  expect(`${name}: ${message}`).toContain(`${kind.name}: `);
  for (const part of parts) expect(message).toContain(part);
}

/** Mistakes, each under its name: [the call, its error's class, what its message says ...]. */
export type Mistakes = Record<string, readonly [call: () => unknown, kind: ErrorClass, ...parts: string[]]>;

/** One test for each, in a loop of its own. */
export function eachInLoop(mistakes: Mistakes): void {
  it.each(Object.entries(mistakes))("%s", async (_name, [call, kind, ...parts]) => {
    expectError(await runVirtual(() => errorOf(call)), kind, parts);
  });
}

/** One test for each, outside of any loop. */
export function eachOutside(mistakes: Mistakes): void {
  it.each(Object.entries(mistakes))("%s", async (_name, [call, kind, ...parts]) => {
    expectError(await errorOf(call), kind, parts);
  });
}
