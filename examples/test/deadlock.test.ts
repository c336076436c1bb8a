import { DeadlockError } from "brio";
import { runVirtual } from "brio/testing";
import { expect, test } from "vitest";
import { main } from "../07-deadlock/main.ts";
import { Program, printedLines } from "./program.ts";

test("07-deadlock: the report names the tasks, their locks and the circle", async () => {
  printedLines();
  const error: unknown = await runVirtual(main).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(DeadlockError);
  const { tasks, cycle } = error as DeadlockError; // as just expected
  expect(tasks.map(({ name, waits }) => [name, ...waits.map(({ kind }) => kind)])).toEqual([
    ["main", "taskGroup"],
    ["Anna to Ben", "lock.acquire"],
    ["Ben to Anna", "lock.acquire"],
  ]);
  expect([...(cycle ?? [])].sort()).toEqual(["Anna to Ben", "Ben to Anna"]);
});

test("07-deadlock ends with the report and exit code 1, and does not hang", async () => {
  await using program = new Program("07-deadlock/main.ts");
  const { code, lines, stderr } = await program.ended();
  expect(code).toBe(1);
  expect(lines).toEqual([
    "holding Anna's account, waiting for Ben's",
    "holding Ben's account, waiting for Anna's",
  ]);
  expect(stderr).toContain(
    "DeadlockError: nothing is left that could wake this program, and 3 tasks still wait:",
  );
  expect(stderr).toMatch(/Anna to Ben {2}lock\.acquire on .*locked by "Ben to Anna"/);
  expect(stderr).toMatch(/they wait in a circle: .* -> /);
});
