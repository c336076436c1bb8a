import { runVirtual } from "brio/testing";
import { expect, test } from "vitest";
import { main } from "../05-timeouts-and-shielding/main.ts";
import { Program, printedLines } from "./program.ts";

test("05-timeouts-and-shielding shows what happens when time is over, to the millisecond", async () => {
  const lines = printedLines();
  await runVirtual(main);
  expect(lines).toEqual([
    "1. a timeout cancels the work, and waits for its clean-up",
    "   the query has closed its connection",
    "   gave up after 70 ms",
    "2. a shield: the waiting ends, the work goes on",
    "   gave up after 50 ms",
    "   a little later: saved",
    "3. no answer in time is an answer as well",
    "   price: from the cache",
    "4. a deadline that moves on: for work that must not stall, however long it takes",
    "   4 chunks in more than 50 ms",
  ]);
});

test("05-timeouts-and-shielding runs as a program", async () => {
  await using program = new Program("05-timeouts-and-shielding/main.ts");
  const { code, lines, stderr } = await program.ended();
  expect(stderr).toBe("");
  expect(code).toBe(0);
  expect(lines[1]).toBe("   the query has closed its connection");
  expect(lines[5]).toBe("   a little later: saved");
  expect(lines[7]).toBe("   price: from the cache");
});
