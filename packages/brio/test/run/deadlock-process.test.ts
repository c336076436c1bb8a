import { describe, expect, it } from "vitest";
import { Child, type Ended } from "./child.ts";

const ending = (program: string): Promise<Ended> =>
  new Child(new URL("fixtures/deadlocks.ts", import.meta.url), [program]).ended;

// Node itself would end such a program in silence, with exit code 13.
const FAILED = 1;

describe("a program in which nothing can go on ends with a DeadlockError", () => {
  it("that names the circle of two locks, taken in opposite orders", async () => {
    const { code, err } = await ending("two locks in opposite orders");
    expect(code).toBe(FAILED);
    expect(err).toMatch(
      /DeadlockError: nothing is left that could wake this program, and 3 tasks still wait:/,
    );
    expect(err).toMatch(/\n {2}main +taskGroup on 2 tasks of a group for /);
    expect(err).toMatch(/\n {2}left first +lock\.acquire on /);
    expect(err).toMatch(
      /they wait in a circle: (left first -> right first -> left|right first -> left first -> right) first/,
    );
  });

  it("that names the circle of two tasks that await each other", async () => {
    const { code, err } = await ending("two tasks that await each other");
    expect(code).toBe(FAILED);
    expect(err).toMatch(/they wait in a circle: (first -> second -> first|second -> first -> second)/);
  });

  it("that says so when main sits in a promise that is not brio's", async () => {
    const { code, err } = await ending("a promise that nobody settles");
    expect(code).toBe(FAILED);
    expect(err).toMatch(
      /and 1 task still waits:\n {2}main {2}in a promise that is not brio's \(see interruptible\(\)\)/,
    );
  });

  it("when main's clean-up has run", async () => {
    const { code, out, err } = await ending("a queue that nobody fills, with clean-up");
    expect([code, ...out]).toEqual([FAILED, "cleaned up"]);
    expect(err).toMatch(/\n {2}main {2}queue\.get on /);
  });

  it("not before the last timer and the last server are gone", async () => {
    const { code, out, err } = await ending("an event, after timers and a server");
    expect([code, ...out]).toEqual([FAILED, "the timer has gone off", "the server is closed"]);
    expect(err).toMatch(/event\.wait on /);
  });

  it("which the program may catch, and go on", async () => {
    const { code, out, err } = await ending("an event, and a program that catches the report");
    expect([code, ...out, err]).toEqual([0, "caught a DeadlockError: true", "and goes on: fine", ""]);
  });
});

it("a program that a native callback will wake is left alone", async () => {
  const { code, out, err } = await ending("a future that a native callback settles in the end");
  expect([code, ...out, err]).toEqual([0, "settled", ""]);
});
