import { getRunningLoop } from "brio";
import { runVirtual } from "brio/testing";
import { describe, expect, test } from "vitest";
import { main as fetchThree } from "../01-fetch-data/main.ts";
import { together } from "../02-counter/main.ts";
import { Program, printedLines } from "./program.ts";

describe("01-fetch-data", () => {
  test("fetches three things in the time of one", async () => {
    const lines = printedLines();
    await runVirtual(fetchThree);
    expect(lines).toEqual([
      "Fetching url1 ...",
      "Fetching url2 ...",
      "Fetching url3 ...",
      "Data from url1",
      "Data from url2",
      "Data from url3",
      "1.00 s in all",
    ]);
  });

  test("runs as a program", async () => {
    await using program = new Program("01-fetch-data/main.ts");
    const { code, lines, stderr } = await program.ended();
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(lines.slice(3, 6)).toEqual(["Data from url1", "Data from url2", "Data from url3"]);
    expect(lines[6]).toMatch(/^\d+\.\d\d s in all$/);
  });
});

describe("02-counter", () => {
  test("counts three times in the time of one with coroutine methods", async () => {
    const lines = printedLines();
    await runVirtual(async () => {
      await together();
      expect(getRunningLoop().time()).toBe(1000);
    });
    expect(lines).toEqual(["One", "One", "One", "Two", "Two", "Two", "coroutines: 1.00 s"]);
  });

  test("runs as a program: one after the other, then together", async () => {
    await using program = new Program("02-counter/main.ts");
    const { code, lines, stderr } = await program.ended();
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(lines.slice(0, 6)).toEqual(["One", "Two", "One", "Two", "One", "Two"]);
    expect(lines[6]).toMatch(/^blocking: \d+\.\d\d s$/);
    expect(lines.slice(7, 13)).toEqual(["One", "One", "One", "Two", "Two", "Two"]);
    expect(lines[13]).toMatch(/^coroutines: \d+\.\d\d s$/);
  });
});
